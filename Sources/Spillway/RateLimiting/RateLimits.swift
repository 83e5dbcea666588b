/// How fast a consumer may hand records to its handler; both limits hold.
public struct RateLimits: Hashable, Sendable {
    /// Records a second; 0.001 to 10¹², `nil`, the default, is without a limit.
    public var recordsPerSecond: Double?
    /// Bytes a second; 0.001 to 10¹², `nil`, the default, is without a limit.
    public var bytesPerSecond: Double?
    /// How many seconds' worth may come at once after a pause; above zero, default 1.
    public var burstSeconds: Double

    /// Makes limits.
    public init(recordsPerSecond: Double? = nil, bytesPerSecond: Double? = nil, burstSeconds: Double = 1) {
        self.recordsPerSecond = recordsPerSecond
        self.bytesPerSecond = bytesPerSecond
        self.burstSeconds = burstSeconds
    }

    /// The rates that can be asked for: slower is a pause, faster is no limit.
    static let range = 0.001...1e12
}
