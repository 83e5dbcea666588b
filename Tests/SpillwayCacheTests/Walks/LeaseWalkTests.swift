import SpillwayCache
import SpillwayCore
import Testing

/// splitmix64, so that a failing walk can be walked again from its seed (with SWIFT_DETERMINISTIC_HASHING set).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

@Suite("Random walks against a model")
struct LeaseWalkTests {
    /// A store of a few rows, readers with leases that lag, writers, gaps, time that passes, and a cache so small that it
    /// evicts all the while.
    struct Walk {
        var chance: SeededGenerator
        let time = ManualTime()
        let cache: LocalCache<String, Int>
        var model = LeaseModel()
        var leases: [LeaseModel.Lease] = []
        var accepted = 0
        let keys: [String]

        init(seed: UInt64) {
            chance = SeededGenerator(state: seed)
            keys = (0..<300).map { "k\($0)" }
            // Long keys: some hundred fit.
            cache = LocalCache(
                LocalCacheConfiguration(
                    name: "walk", maxBytes: 64 << 10, shards: 2, timeToLive: .seconds(5), jitter: 0.5,
                    tombstoneLifetime: .seconds(9)),
                time: time, seed: seed
            ) { _, _ in 300 }
        }

        mutating func key() -> String {
            keys[Int.random(in: 0..<(Bool.random(using: &chance) ? 8 : 300), using: &chance)]
        }

        mutating func step() throws {
            let key = key()
            switch Int.random(in: 0..<100, using: &chance) {
            case 0..<55: try read(key)
            case 55..<88: try fill()
            case 88..<92: change(key, invalidates: false)
            case 92..<95: change(key, invalidates: true)
            case 95..<99: time.advance(by: .milliseconds(Int.random(in: 0..<300, using: &chance)))
            default: if Int.random(in: 0..<20, using: &chance) == 0 { gap() }
            }
        }

        mutating func read(_ key: String) throws {
            let row = model.rows[key] ?? LeaseModel.Row()
            switch cache.lookup(key) {
            case .hit(let value, let version):
                // Never older than what an invalidation named, never from the future, the value that belongs to it.
                try #require(version.position <= row.version)
                try #require(value == nil || value == Int(version.position))
                try #require(row.fencedUntil <= time.now().nanoseconds || version.position >= row.fence)
                model.rows[key, default: .init()].seen = version.position
            case .miss(let lease):
                leases.append(.init(lease: lease, changesThen: row.changes, gapsThen: model.gaps))
            }
        }

        /// Fills with what the row was at some time: now, or a few versions ago where the store lags.
        mutating func fill() throws {
            // Enough are out that many of them meet a change.
            guard leases.count > 12 else { return }
            let lease = leases.remove(at: Int.random(in: 0..<leases.count, using: &chance))
            let key = lease.lease.key
            let row = model.rows[key] ?? LeaseModel.Row()
            let lag = UInt64(Int.random(in: 0..<10, using: &chance) == 0 ? Int.random(in: 1...3, using: &chance) : 0)
            let filled = row.version > lag ? row.version - lag : 1
            let before = cache.statistics()
            let was = peek(key)
            let outcome = cache.fill(lease.lease, filled % 7 == 0 ? nil : Int(filled), version: version(filled))
            if outcome == .accepted {
                accepted += 1
                try #require(model.allows(lease, filled, now: time.now().nanoseconds), "a fill that had to be refused")
                try #require(was == nil || was! <= filled, "a fill went backwards")
            }
            try #require(cache.statistics().fills == before.fills + (outcome == .accepted ? 1 : 0))
        }

        func peek(_ key: String) -> UInt64? {
            guard case .hit(_, let version) = cache.lookup(key) else { return nil }
            return version.position
        }

        mutating func change(_ key: String, invalidates: Bool) {
            var row = model.rows[key] ?? LeaseModel.Row()
            // Feeds repeat themselves now and then.
            if Int.random(in: 0..<5, using: &chance) > 0 { row.version += 1 }
            row.changes += 1
            if invalidates {
                cache.invalidate(key, version: version(row.version))
                row.fence = row.version
                row.fencedUntil = time.now().nanoseconds + 9_000_000_000
            } else {
                cache.update(key, row.version % 7 == 0 ? nil : Int(row.version), version: version(row.version))
            }
            model.rows[key] = row
        }

        mutating func gap() {
            cache.removeAll()
            model.gaps += 1
        }
    }

    @Test("no fill that the model refuses, no value from before", arguments: 0..<20 as Range<UInt64>)
    func walk(seed: UInt64) throws {
        var walk = Walk(seed: seed)
        for _ in 0..<5_000 { try walk.step() }
        let statistics = walk.cache.statistics()
        #expect(statistics.bytes <= 64 << 10)
        #expect(walk.accepted > 300 && statistics.hits > 300 && statistics.evictions > 10)
        #expect(statistics.refusedRevoked > 0 && statistics.refusedOlder > 0)
    }
}
