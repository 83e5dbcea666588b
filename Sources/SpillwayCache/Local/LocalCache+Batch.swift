public import SpillwayCore
public import Synchronization

/// A key of a batch on its way to its shard.
@usableFromInline
struct RoutedKey {
    @usableFromInline var hash: UInt64
    @usableFromInline var cost: Int

    @inlinable
    init(hash: UInt64, cost: Int) {
        self.hash = hash
        self.cost = cost
    }
}

extension LocalCache {
    /// How many keys of a batch are handled under one lock at most, so that a large batch holds nobody up for long.
    @inlinable static var longestRun: Int { 256 }

    /// Looks many keys up, taking each shard's lock once for every 256 keys.
    ///
    /// - Parameters:
    ///   - keys: may repeat.
    ///   - results: emptied, then holds an answer for each key in the order of the keys. Hand in the same array again and
    ///     nothing is allocated.
    @inlinable
    public func lookup(_ keys: [Key], into results: inout [CacheLookup<Key, Value>]) {
        results.removeAll(keepingCapacity: true)
        results.reserveCapacity(keys.count)
        let now = time.now().nanoseconds
        for key in keys {
            // Holds the place until the shard has answered; a lease that no fence ever passes.
            results.append(.miss(CacheLease(key: key, hash: Self.hash(key), sequence: 0)))
        }
        var start = 0
        while start < keys.count {
            let end = min(start &+ Self.longestRun, keys.count)
            lookup(keys, start..<end, into: &results, now: now)
            start = end
        }
    }

    @inlinable
    func lookup(_ keys: [Key], _ run: Range<Int>, into results: inout [CacheLookup<Key, Value>], now: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: run.count) { hashes in
            var wanted: UInt64 = 0
            for place in run {
                guard case .miss(let lease) = results[place] else { continue }
                hashes[place &- run.lowerBound] = lease.hash
                wanted |= 1 << UInt64(shards.number(lease.hash))
            }
            while wanted != 0 {
                let number = wanted.trailingZeroBitCount
                wanted &= wanted &- 1
                shards.base[number].withLock { shard in
                    for place in run where shards.number(hashes[place &- run.lowerBound]) == number {
                        results[place] = shard.lookup(keys[place], hashes[place &- run.lowerBound], now: now)
                    }
                }
            }
        }
    }

    /// Writes a projection's batch through, as `update` does for one key, taking each shard's lock once for every 256
    /// changes. Changes of one key apply in their order.
    @inlinable
    public func updateAll(_ changes: [CacheChange<Key, Value>]) {
        forEachRun(changes, cost: cost) { shard, change, routed, now in
            shard.update(change.key, routed.hash, change.value, change.version, cost: routed.cost, now: now)
        }
    }

    /// Invalidates many keys, as `invalidate` does for one; the values of the changes are not looked at.
    @inlinable
    public func invalidateAll(_ changes: [CacheChange<Key, Value>]) {
        forEachRun(changes, cost: { _, _ in 0 }) { shard, change, routed, now in
            shard.invalidate(change.key, routed.hash, change.version, now: now)
        }
    }

    @inlinable
    func forEachRun(
        _ changes: [CacheChange<Key, Value>], cost: (Key, Value?) -> Int,
        _ body: (inout CacheShard<Key, Value>, CacheChange<Key, Value>, RoutedKey, UInt64) -> Void
    ) {
        let now = time.now().nanoseconds
        var start = 0
        while start < changes.count {
            let run = start..<min(start &+ Self.longestRun, changes.count)
            withUnsafeTemporaryAllocation(of: RoutedKey.self, capacity: run.count) { routed in
                var wanted: UInt64 = 0
                for place in run {
                    let hash = Self.hash(changes[place].key)
                    routed[place &- run.lowerBound] = RoutedKey(
                        hash: hash, cost: cost(changes[place].key, changes[place].value))
                    wanted |= 1 << UInt64(shards.number(hash))
                }
                while wanted != 0 {
                    let number = wanted.trailingZeroBitCount
                    wanted &= wanted &- 1
                    shards.base[number].withLock { shard in
                        for place in run where shards.number(routed[place &- run.lowerBound].hash) == number {
                            body(&shard, changes[place], routed[place &- run.lowerBound], now)
                        }
                    }
                }
            }
            start = run.upperBound
        }
    }
}
