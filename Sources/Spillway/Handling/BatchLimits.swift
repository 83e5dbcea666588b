/// When a batch closes: whichever limit is reached first.
public struct BatchLimits: Hashable, Sendable {
    /// So many records; at least 1, default 500.
    public var maxRecords: Int
    /// So many bytes, passed by one record at most; at least 1, default 4 MiB.
    public var maxBytes: Int
    /// So long after the batch's first record became ready; zero hands over what is there. Default 20 ms.
    public var maxDelay: Duration

    /// Makes limits.
    public init(maxRecords: Int = 500, maxBytes: Int = 4 << 20, maxDelay: Duration = .milliseconds(20)) {
        precondition(maxRecords >= 1 && maxBytes >= 1 && maxDelay >= .zero, "batch limits are positive")
        self.maxRecords = maxRecords
        self.maxBytes = maxBytes
        self.maxDelay = maxDelay
    }
}
