/// A rate that many consumers share, on one node or on many: each leases a part of it from a ``RateSource``, as much as it
/// can use, and goes on at its last known share while the source can't be reached.
public struct GlobalRateLimit: Sendable {
    /// Where the rate is leased.
    public var source: any RateSource
    /// The member's name at the source, unique among those that share the rate, 1 to 255 bytes; `nil`, the default, is
    /// the consumer's id, its group and its topic, which differ if consumers on different nodes have ids of their own.
    public var member: String?
    /// Records a second while the source has never answered and can't be reached; 0, the default, lets none go on then.
    public var initialShare: Double
    /// The most credits to ask for at a time; 1 to a million, default 10,000.
    public var maxLease: Int

    /// Makes a limit.
    public init(_ source: any RateSource, member: String? = nil, initialShare: Double = 0, maxLease: Int = 10_000) {
        self.source = source
        self.member = member
        self.initialShare = initialShare
        self.maxLease = maxLease
    }
}
