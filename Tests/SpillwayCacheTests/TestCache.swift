import SpillwayCache

/// A version of the first epoch.
func version(_ position: UInt64, epoch: UInt64 = 1) -> CacheVersion { CacheVersion(epoch: epoch, position: position) }

/// A small cache on a clock of the test's own, without jitter.
func makeCache(
    bytes: Int = 1 << 20, shards: Int = 1, jitter: Double = 0, time: ManualTime = ManualTime()
) -> LocalCache<String, Int> {
    LocalCache(
        LocalCacheConfiguration(
            name: "test", maxBytes: bytes, shards: shards, timeToLive: .seconds(30), absentTimeToLive: .seconds(10),
            jitter: jitter, tombstoneLifetime: .seconds(60)),
        time: time, seed: 1
    ) { key, _ in key.utf8.count }
}

extension LocalCache {
    /// The lease of a key that must not be cached.
    func lease(_ key: Key) throws -> CacheLease<Key> {
        guard case .miss(let lease) = lookup(key) else {
            throw UnexpectedHit()
        }
        return lease
    }

    /// What is cached: `nil` for nothing, else a value or a placeholder.
    func cached(_ key: Key) -> Versioned<Value>? {
        guard case .hit(let value, let version) = lookup(key) else { return nil }
        return Versioned(value, version: version)
    }
}

struct UnexpectedHit: Error {}
