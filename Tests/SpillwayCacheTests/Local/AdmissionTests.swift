import SpillwayCache
import Testing

@Suite("Limits and admission")
struct AdmissionTests {
    /// Reads a key through the cache; true if it was there.
    func read(_ cache: LocalCache<String, Int>, _ key: String) -> Bool {
        switch cache.lookup(key) {
        case .hit: return true
        case .miss(let lease):
            cache.fill(lease, 0, version: version(1))
            return false
        }
    }

    @Test("the limit in bytes holds, whatever is filled")
    func byteLimit() throws {
        var chance = SeededGenerator(state: 7)
        let cache = LocalCache<String, [UInt8]>(
            LocalCacheConfiguration(name: "test", maxBytes: 1 << 20, shards: 4), time: ManualTime(), seed: 1
        ) { key, value in key.utf8.count + (value?.count ?? 0) }
        for number in 0..<20_000 {
            let size = Int.random(in: 0..<(number % 100 == 0 ? 200_000 : 500), using: &chance)
            if case .miss(let lease) = cache.lookup("k\(number % 5_000)") {
                cache.fill(lease, [UInt8](repeating: 1, count: size), version: version(1))
            }
            if number % 7 == 0 {
                let bytes = [UInt8](repeating: 2, count: size / 2)
                cache.update("k\(number % 5_000)", bytes, version: version(UInt64(number)))
            }
            try #require(cache.statistics().bytes <= 1 << 20)
        }
        #expect(cache.statistics().bytes > 700_000)
        #expect(cache.statistics().refusedTooLarge > 0)
    }

    @Test("a value too large for a shard is refused; as an update it leaves only its version")
    func tooLarge() throws {
        let cache = LocalCache<String, Int>(
            LocalCacheConfiguration(name: "test", maxBytes: 64 << 10, shards: 1), time: ManualTime(), seed: 1
        ) { _, value in value ?? 0 }
        #expect(cache.fill(try cache.lease("a"), 40_000, version: version(1)) == .tooLarge)
        #expect(cache.fill(try cache.lease("a"), 4, version: version(1)) == .accepted)
        cache.update("a", 40_000, version: version(2))
        #expect(cache.cached("a") == nil)
        #expect(cache.fill(try cache.lease("a"), 4, version: version(1)) == .older)
    }

    @Test("a scan does not push out what is used")
    func scanResistance() {
        let cache = makeCache(bytes: 256 << 10)
        let hot = (0..<500).map { "hot\($0)" }
        for _ in 0..<4 { for key in hot { _ = read(cache, key) } }
        // Twenty times as many keys as fit, each read once; the hot ones are read now and then.
        for number in 0..<40_000 {
            _ = read(cache, "scan\(number)")
            if number % 16 == 0 { _ = read(cache, hot[number / 16 % hot.count]) }
        }
        let kept = hot.count { cache.cached($0) != nil }
        #expect(kept > 480, "\(kept) of 500 were kept")
    }

    @Test("a key that comes back soon after its eviction goes to the main queue")
    func ghosts() {
        let cache = makeCache(bytes: 64 << 10)
        for number in 0..<2_000 { _ = read(cache, "fill\(number)") }
        #expect(!read(cache, "back"))
        // Enough to push it out of the small queue and into the ghosts.
        for number in 0..<600 { _ = read(cache, "push\(number)") }
        let returned = read(cache, "back")
        #expect(!returned)
        // Now in the main queue: what would have pushed it out before does so no more.
        for number in 0..<600 { _ = read(cache, "more\(number)") }
        #expect(cache.cached("back") != nil)
    }

    @Test("a skewed load hits more often than first in, first out would")
    func skew() {
        var chance = SeededGenerator(state: 3)
        let cache = makeCache(bytes: 128 << 10)
        var fifo: [String] = []
        var inFifo: Set<String> = []
        var hits = (cache: 0, fifo: 0)
        for _ in 0..<50_000 {
            // About Zipf with exponent 1 over 20,000 keys.
            let rank = Int(Double(20_000).power(Double.random(in: 0..<1, using: &chance)))
            let key = "k\(rank)"
            if read(cache, key) { hits.cache += 1 }
            if inFifo.contains(key) {
                hits.fifo += 1
            } else {
                fifo.append(key)
                inFifo.insert(key)
                if inFifo.count > cache.statistics().entries { inFifo.remove(fifo.removeFirst()) }
            }
        }
        #expect(hits.cache > hits.fifo + 1_500, "\(hits)")
    }

    @Test("times to live are spread below their limit")
    func jitter() throws {
        let time = ManualTime()
        let cache = makeCache(jitter: 0.5, time: time)
        for number in 0..<1_000 { cache.fill(try cache.lease("k\(number)"), 0, version: version(1)) }
        func left() -> Int { (0..<1_000).count { cache.cached("k\($0)") != nil } }
        time.advance(by: .milliseconds(14_990))
        #expect(left() == 1_000)
        time.advance(by: .milliseconds(7_510))
        #expect((400...600).contains(left()), "half of them after three quarters of the time")
        time.advance(by: .milliseconds(7_500))
        #expect(left() == 0)
    }
}

extension Double {
    /// `self` to the power of `exponent`, to the precision that a test's load needs.
    func power(_ exponent: Double) -> Double {
        var result = 1.0
        var factor = self
        var rest = exponent
        for _ in 0..<40 {
            factor = factor.squareRoot()
            rest *= 2
            if rest >= 1 {
                result *= factor
                rest -= 1
            }
        }
        return result
    }
}
