/// What a cache has done so far and holds now.
public struct CacheStatistics: Hashable, Sendable {
    /// Lookups that found a value or a placeholder.
    public var hits: UInt64 = 0
    /// Lookups that got a lease.
    public var misses: UInt64 = 0
    /// Fills accepted.
    public var fills: UInt64 = 0
    /// Fills refused since the lease was revoked.
    public var refusedRevoked: UInt64 = 0
    /// Fills refused since a newer version was there.
    public var refusedOlder: UInt64 = 0
    /// Placeholders refused since a value of that version was there.
    public var refusedPlaceholder: UInt64 = 0
    /// Fills refused for their size.
    public var refusedTooLarge: UInt64 = 0
    /// Updates that replaced a cached value.
    public var updates: UInt64 = 0
    /// Values evicted for room.
    public var evictions: UInt64 = 0
    /// Values and placeholders present.
    public var entries: Int = 0
    /// Versions that invalidations left behind.
    public var tombstones: Int = 0
    /// Bytes in use, overhead included.
    public var bytes: Int = 0

    /// Nothing done, nothing held.
    public init() {}

    @inlinable
    mutating func add(_ other: CacheStatistics) {
        hits &+= other.hits
        misses &+= other.misses
        fills &+= other.fills
        refusedRevoked &+= other.refusedRevoked
        refusedOlder &+= other.refusedOlder
        refusedPlaceholder &+= other.refusedPlaceholder
        refusedTooLarge &+= other.refusedTooLarge
        updates &+= other.updates
        evictions &+= other.evictions
        entries += other.entries
        tombstones += other.tombstones
        bytes += other.bytes
    }

    @inlinable
    mutating func count(_ outcome: CacheFillOutcome) {
        switch outcome {
        case .accepted: fills &+= 1
        case .revoked: refusedRevoked &+= 1
        case .older: refusedOlder &+= 1
        case .placeholder: refusedPlaceholder &+= 1
        case .tooLarge: refusedTooLarge &+= 1
        }
    }
}
