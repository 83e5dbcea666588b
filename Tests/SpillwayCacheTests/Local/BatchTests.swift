import SpillwayCache
import Testing

@Suite("Batches")
struct BatchTests {
    @Test("answers stand in the order of the keys, repeated ones too, over several runs", arguments: [1, 4, 64])
    func lookup(shards: Int) throws {
        let cache = makeCache(bytes: 8 << 20, shards: shards)
        for number in 0..<1_000 where number % 3 != 0 {
            cache.fill(try cache.lease("k\(number)"), number, version: version(UInt64(number)))
        }
        let keys = (0..<1_000).map { "k\($0)" } + ["k1", "k1", "k3"]
        var results: [CacheLookup<String, Int>] = []
        for _ in 0..<2 {
            cache.lookup(keys, into: &results)
            try #require(results.count == keys.count)
            for (key, result) in zip(keys, results) {
                let number = try #require(Int(key.dropFirst()))
                switch result {
                case .hit(let value, let found):
                    try #require(value == number && found == version(UInt64(number)) && number % 3 != 0)
                case .miss(let lease): try #require(lease.key == key && number % 3 == 0)
                }
            }
        }
    }

    @Test("a batch's leases are as good as single ones")
    func leases() {
        let cache = makeCache(shards: 4)
        var results: [CacheLookup<String, Int>] = []
        cache.update("k5", 1, version: version(1))
        cache.lookup((0..<10).map { "k\($0)" }, into: &results)
        cache.invalidateAll([CacheChange(key: "k3", value: nil, version: version(2))])
        for case .miss(let lease) in results {
            #expect(cache.fill(lease, 1, version: version(1)) == (lease.key == "k3" ? .revoked : .accepted))
        }
    }

    @Test("changes of one key in a batch apply in their order; what is not cached stays so")
    func updates() throws {
        let cache = makeCache(shards: 4)
        cache.fill(try cache.lease("a"), 1, version: version(1))
        let others = (0..<600).map { CacheChange(key: "k\($0)", value: 1 as Int?, version: version(5)) }
        let changes = [2, 4, 3].map { CacheChange(key: "a", value: $0 as Int?, version: version(UInt64($0))) }
        cache.updateAll(changes + others)
        #expect(cache.cached("a") == Versioned(4, version: version(4)))
        #expect(cache.statistics().entries == 1)
        #expect(cache.statistics().updates == 2)
    }
}
