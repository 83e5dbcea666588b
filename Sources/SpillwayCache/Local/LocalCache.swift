public import SpillwayCore
public import Synchronization

/// A cache in this process with a limit in bytes, whose values never go backwards.
///
/// A lookup that misses gives a lease; the caller reads the store and fills. The fill is refused if the key was changed
/// since the lease was given, or if a newer version is there, so that a slow reader can't put back what a writer just
/// replaced. Writers call `update` or `invalidate` after their commit, and answer their own clients after that.
///
/// Safe from any thread. Loads run without a lock; the cost closure, the body of ``modify(_:version:_:)`` and the release
/// of values run under that of one shard, so they must be short and must not call the cache. An access allocates nothing.
public final class LocalCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The configuration it was made with.
    public let configuration: LocalCacheConfiguration
    @usableFromInline let shards: ShardTable<Key, Value>
    @usableFromInline let cost: @Sendable (Key, Value?) -> Int
    @usableFromInline let time: any TimeSource

    /// Makes an empty cache.
    ///
    /// - Parameters:
    ///   - configuration: its limits; values out of their ranges are a programmer's mistake.
    ///   - time: where time comes from.
    ///   - seed: of the jitter; tests hand in a constant.
    ///   - cost: the bytes that a key and a value own outside of themselves, such as a string's characters; 0 or more.
    ///     The entry's own overhead is added. It must not call the cache.
    public init(
        _ configuration: LocalCacheConfiguration, time: any TimeSource = SystemTimeSource(), seed: UInt64? = nil,
        cost: @escaping @Sendable (Key, Value?) -> Int
    ) {
        let count = Self.shardCount(configuration)
        var chance = SystemRandomNumberGenerator()
        self.configuration = configuration
        self.cost = cost
        self.time = time
        shards = ShardTable(
            count: count, limit: Self.limits(configuration, shards: count),
            seed: seed ?? chance.next())
    }

    // MARK: Reading

    /// Looks a key up; a miss gives the right to fill it.
    @inlinable
    public func lookup(_ key: Key) -> CacheLookup<Key, Value> {
        let hash = Self.hash(key)
        let now = time.now().nanoseconds
        return shards.base[shards.number(hash)].withLock { $0.lookup(key, hash, now: now) }
    }

    /// The right to fill a key for which nobody asked; `nil` if its value is there already. Not counted as a use.
    @inlinable
    public func fillLease(_ key: Key) -> CacheLease<Key>? {
        let hash = Self.hash(key)
        let now = time.now().nanoseconds
        let found = shards.base[shards.number(hash)].withLock { $0.peek(key, hash, now: now) }
        guard case .miss(let lease) = found else { return nil }
        return lease
    }

    /// Fills a key with what the store answered after the lease was given.
    ///
    /// - Parameters:
    ///   - lease: from the lookup that missed.
    ///   - value: the value; `nil` if the store has none.
    ///   - version: as of which the answer holds.
    @inlinable
    @discardableResult
    public func fill(_ lease: CacheLease<Key>, _ value: Value?, version: CacheVersion) -> CacheFillOutcome {
        let cost = cost(lease.key, value)
        let now = time.now().nanoseconds
        return shards.base[shards.number(lease.hash)].withLock { $0.fill(lease, value, version, cost: cost, now: now) }
    }

    // MARK: Changing

    /// Writes a change through: a cached value (or a placeholder) becomes the new one if that is newer; what is not cached
    /// stays so. Leases and loads of the key are void in every case.
    @inlinable
    public func update(_ key: Key, _ value: Value?, version: CacheVersion) {
        let hash = Self.hash(key)
        let cost = cost(key, value)
        let now = time.now().nanoseconds
        shards.base[shards.number(hash)].withLock { $0.update(key, hash, value, version, cost: cost, now: now) }
    }

    /// Drops a key's value and keeps the version for `tombstoneLifetime`, during which older fills are refused. A value
    /// that already is of this version or a newer one stays. Leases and loads of the key are void.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - version: of the change; `.absent` when it is not known: then whatever is there is dropped.
    @inlinable
    public func invalidate(_ key: Key, version: CacheVersion) {
        let hash = Self.hash(key)
        let now = time.now().nanoseconds
        shards.base[shards.number(hash)].withLock { $0.invalidate(key, hash, version, now: now) }
    }

    /// Drops every value and voids every lease and load: for a gap in the stream of invalidations. Versions that
    /// invalidations left behind stay.
    public func removeAll() {
        let now = time.now().nanoseconds
        for number in 0..<shards.count {
            shards.base[number].withLock { $0.removeAll(now: now) }
        }
    }

    /// What it has done so far and holds now, summed over the shards one after the other.
    public func statistics() -> CacheStatistics {
        var sum = CacheStatistics()
        for number in 0..<shards.count {
            sum.add(shards.base[number].withLock { $0.snapshot() })
        }
        return sum
    }

    // MARK: Inside

    @inlinable
    static func hash(_ key: Key) -> UInt64 { UInt64(bitPattern: Int64(key.hashValue)) }

    private static func shardCount(_ configuration: LocalCacheConfiguration) -> Int {
        precondition((1...64).contains(configuration.shards), "a cache has 1 to 64 shards")
        var count = 1
        while count < configuration.shards { count *= 2 }
        return count
    }

    private static func limits(_ configuration: LocalCacheConfiguration, shards: Int) -> ShardLimits {
        let longest = Duration.seconds(86_400)
        precondition(configuration.maxBytes >= 64 << 10, "a cache has a limit of 64 KiB or more")
        precondition((0...1).contains(configuration.jitter), "jitter is a part, 0 to 1")
        for life in [configuration.timeToLive, configuration.absentTimeToLive, configuration.tombstoneLifetime] {
            precondition(life > .zero && life <= longest, "a time to live is more than zero and at most a day")
        }
        return ShardLimits(
            bytes: configuration.maxBytes / shards,
            timeToLive: UInt64(configuration.timeToLive.wholeNanoseconds),
            absentTimeToLive: UInt64(configuration.absentTimeToLive.wholeNanoseconds),
            tombstoneLifetime: UInt64(configuration.tombstoneLifetime.wholeNanoseconds),
            jitter: UInt64(configuration.jitter * 65_536))
    }
}
