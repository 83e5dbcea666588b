import SpillwayCache
import Testing

@Suite("Changes in place")
struct ModifyTests {
    let cache = LocalCache<String, [Int]>(
        LocalCacheConfiguration(name: "test", maxBytes: 64 << 10, shards: 1, jitter: 0), time: ManualTime(), seed: 1
    ) { _, value in (value?.count ?? 0) * 8 }

    func append(_ number: Int, to key: String, _ position: UInt64) {
        cache.modify(key, version: version(position)) { value in
            value.append(number)
            return value.count < 4_000
        }
    }

    @Test("a cached value changes, its version is the greater, what is not cached stays so")
    func changes() throws {
        append(1, to: "a", 1)
        #expect(cache.cached("a") == nil)
        cache.fill(try cache.lease("a"), [], version: version(5))
        append(6, to: "a", 6)
        append(4, to: "a", 4)
        #expect(cache.cached("a") == Versioned([6, 4], version: version(6)))
    }

    @Test("what costs more than can be counted is not cached")
    func endless() throws {
        let cache = LocalCache<String, Int>(
            LocalCacheConfiguration(name: "test", maxBytes: 64 << 10, shards: 1, jitter: 0), time: ManualTime(), seed: 1
        ) { _, value in value == 1 ? 8 : .max }
        #expect(cache.fill(try cache.lease("a"), 2, version: version(1)) == .tooLarge)
        for key in ["b", "c"] { cache.fill(try cache.lease(key), 1, version: version(1)) }
        cache.modify("b", version: version(2)) { value in
            value = 2
            return true
        }
        cache.update("c", 2, version: version(2))
        #expect(cache.cached("b") == nil && cache.cached("c") == nil)
    }

    @Test("27: a change voids leases and flights, cached or not")
    func revokes() async throws {
        let lease = try cache.lease("a")
        append(1, to: "a", 2)
        #expect(cache.fill(lease, [], version: version(1)) == .revoked)

        let gate = Gate()
        let early = Task {
            try await cache.value(for: "b") { _ in
                await gate.pass()
                return Versioned([], version: version(1))
            }
        }
        await gate.arrivals()
        append(1, to: "b", 2)
        #expect(cache.flightCount == 0)
        #expect(try await cache.value(for: "b", load: { _ in Versioned([1], version: version(2)) }).value == [1])
        gate.open()
        _ = try await early.value
        #expect(cache.cached("b")?.value == [1])
    }

    @Test("a value that the body gives up is dropped, as is a placeholder, and the version stays behind")
    func drops() throws {
        cache.fill(try cache.lease("a"), [Int](repeating: 0, count: 3_999), version: version(1))
        append(1, to: "a", 3)
        #expect(cache.fill(try cache.lease("a"), [], version: version(2)) == .older)
        cache.fill(try cache.lease("b"), nil, version: version(1))
        append(1, to: "b", 3)
        #expect(cache.fill(try cache.lease("b"), nil, version: version(2)) == .older)
        append(1, to: "b", 4)
        #expect(cache.fill(try cache.lease("b"), nil, version: version(3)) == .older)
    }

    @Test("bytes follow the value, and the limit holds")
    func bytes() throws {
        for number in 0..<50 { cache.fill(try cache.lease("k\(number)"), [], version: version(1)) }
        let before = cache.statistics().bytes
        append(1, to: "k0", 2)
        #expect(cache.statistics().bytes == before + 8)
        for round in 0..<1_000 { append(round, to: "k\(round % 50)", UInt64(round + 3)) }
        #expect(cache.statistics().bytes == before + 1_001 * 8)
        for round in 0..<20_000 {
            append(round, to: "k\(round % 50)", UInt64(round + 2_000))
            try #require(cache.statistics().bytes <= 64 << 10)
        }
    }
}
