public import Synchronization

/// The shards of a cache, each behind its lock, side by side in memory: reaching one counts no reference.
@usableFromInline
struct ShardTable<Key: Hashable & Sendable, Value: Sendable>: ~Copyable, @unchecked Sendable {
    // Sendable: the memory belongs to this value alone and holds mutexes, which may be used from any thread.
    @usableFromInline let base: UnsafeMutablePointer<Mutex<CacheShard<Key, Value>>>
    @usableFromInline let count: Int

    @usableFromInline
    init(count: Int, limit: ShardLimits, seed: UInt64) {
        self.count = count
        base = .allocate(capacity: count)
        for number in 0..<count {
            let shard = CacheShard<Key, Value>(limit: limit, seed: seed &+ UInt64(number) &* 0x2545_f491_4f6c_dd1d)
            (base + number).initialize(to: Mutex(shard))
        }
    }

    deinit {
        base.deinitialize(count: count)
        base.deallocate()
    }

    /// The shard that a hash belongs to.
    @inlinable
    func number(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 58) & (count &- 1) }
}
