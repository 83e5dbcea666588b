/// The limits of a `LocalCache`.
public struct LocalCacheConfiguration: Sendable {
    /// The cache's name in metrics, such as `counts`.
    public var name: String
    /// The limit in bytes, entries' overhead included; 64 KiB or more, default 64 MiB.
    public var maxBytes: Int
    /// How many locks share the keys; rounded up to a power of two, 1 to 64. Default 4: enough for a few cores, and
    /// a batch of keys takes each lock once.
    public var shards: Int
    /// For how long a value is served at most without being filled or updated again; default 30 s.
    public var timeToLive: Duration
    /// The same for a placeholder; default 10 s.
    public var absentTimeToLive: Duration
    /// The part of the time to live, 0 to 1, that is taken off at random so that entries filled together don't expire
    /// together; default 0.2. The time to live stays the upper bound.
    public var jitter: Double
    /// For how long an invalidation keeps its version against a store that lags behind; default 60 s. Choose it longer
    /// than any replica lags. Leases need no time: they are revoked exactly.
    public var tombstoneLifetime: Duration

    /// Makes a configuration with the defaults.
    public init(
        name: String, maxBytes: Int = 64 << 20, shards: Int = 4, timeToLive: Duration = .seconds(30),
        absentTimeToLive: Duration = .seconds(10), jitter: Double = 0.2, tombstoneLifetime: Duration = .seconds(60)
    ) {
        self.name = name
        self.maxBytes = maxBytes
        self.shards = shards
        self.timeToLive = timeToLive
        self.absentTimeToLive = absentTimeToLive
        self.jitter = jitter
        self.tombstoneLifetime = tombstoneLifetime
    }
}
