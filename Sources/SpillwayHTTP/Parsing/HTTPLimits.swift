/// The bounds of what a request may bring. What goes beyond is refused while it comes in, not after it was kept.
public struct HTTPLimits: Sendable {
    /// The longest target (path and query) in bytes; 414 beyond. 16 KiB by default, so
    /// that a hundred ids of 128 characters fit.
    public var maximumTargetBytes: Int
    /// The largest head without the target, in bytes; 431 beyond. 16 KiB by default.
    public var maximumHeaderBytes: Int
    /// The most header fields; 431 beyond. 100 by default.
    public var maximumHeaderCount: Int
    /// The largest body in bytes where a route does not say otherwise; 413 beyond. 64 KiB by default.
    public var maximumBodyBytes: Int

    /// Makes limits.
    public init(
        maximumTargetBytes: Int = 16 << 10, maximumHeaderBytes: Int = 16 << 10, maximumHeaderCount: Int = 100,
        maximumBodyBytes: Int = 64 << 10
    ) {
        self.maximumTargetBytes = maximumTargetBytes
        self.maximumHeaderBytes = maximumHeaderBytes
        self.maximumHeaderCount = maximumHeaderCount
        self.maximumBodyBytes = maximumBodyBytes
    }
}
