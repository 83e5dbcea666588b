public import SpillwayCore
public import Synchronization

extension LocalCache {
    /// Changes a cached value in place; what is not cached stays so. Leases and loads of the key are void in every case.
    ///
    /// For values that are made of many rows, whose changes come from several writers and commute: the version becomes
    /// the greater of both, and the body decides whether the value holds the change already.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - version: of the change.
    ///   - body: changes the value under the shard's lock, so it must be short and must not call the cache; answers
    ///     false if the value is to be dropped. A placeholder is dropped.
    @inlinable
    public func modify(_ key: Key, version: CacheVersion, _ body: (inout Value) -> Bool) {
        let hash = Self.hash(key)
        let now = time.now().nanoseconds
        shards.base[shards.number(hash)].withLock { $0.modify(key, hash, version, cost: cost, now: now, body) }
    }
}

extension CacheShard {
    @inlinable
    mutating func modify(
        _ key: Key, _ hash: UInt64, _ version: CacheVersion, cost: (Key, Value?) -> Int, now: UInt64,
        _ body: (inout Value) -> Bool
    ) {
        fence.revoke(hash)
        if !flights.isEmpty { flights[key] = nil }
        let slot = find(key, hash)
        guard slot >= 0 else { return }
        let newest = max(version, slots[slot].version)
        guard slots[slot].kind != .tombstone else {
            slots[slot].version = newest
            return
        }
        // Taken out, so that the change finds one reference and copies nothing.
        guard var value = slots[slot].value.take(), body(&value), case let bytes = Self.bytes(cost(key, value)),
            bytes <= limit.bytes / 2
        else {
            entomb(slot, newest, until: now &+ limit.tombstoneLifetime)
            return
        }
        let kind = slots[slot].kind.rawValue
        queues[kind].bytes &+= bytes &- slots[slot].bytes
        slots[slot].bytes = bytes
        slots[slot].value = value
        slots[slot].version = newest
        statistics.updates &+= 1
        makeRoom(now: now)
    }
}
