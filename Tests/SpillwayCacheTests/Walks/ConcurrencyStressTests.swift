import SpillwayCache
import Synchronization
import Testing

/// Readers and writers on all threads: whoever reads after a writer was answered sees that write or a later one.
@Suite("Stress")
struct ConcurrencyStressTests {
    /// Rows that are versions, and for each the newest one whose writer has been answered.
    final class Store: Sendable {
        let rows: [Atomic<UInt64>.Box]
        let answered: [Atomic<UInt64>.Box]
        let loads = Atomic<Int>(0)

        init(count: Int) {
            rows = (0..<count).map { _ in .init() }
            answered = (0..<count).map { _ in .init() }
        }

        func read(_ key: Int) -> Versioned<Int> {
            loads.add(1, ordering: .relaxed)
            let number = rows[key].value.load(ordering: .sequentiallyConsistent)
            return Versioned(Int(number), version: version(number + 1))
        }

        func answer(_ key: Int, _ version: UInt64) {
            answered[key].value.max(version, ordering: .sequentiallyConsistent)
        }
    }

    let cache = LocalCache<Int, Int>(
        LocalCacheConfiguration(name: "stress", maxBytes: 64 << 10, shards: 2, timeToLive: .milliseconds(20))
    ) { _, _ in 0 }
    let store = Store(count: 1_000)

    func key(_ chance: inout SeededGenerator) -> Int {
        Int.random(in: 0..<(Bool.random(using: &chance) ? 4 : 1_000), using: &chance)
    }

    /// Commits, tells the cache, answers.
    func write(_ chance: inout SeededGenerator) {
        let keys = (0..<Int.random(in: 1...8, using: &chance)).map { _ in key(&chance) }
        let changes = keys.map { key in
            let number = store.rows[key].value.add(1, ordering: .sequentiallyConsistent).newValue
            return CacheChange(key: key, value: Int(number) as Int?, version: version(number + 1))
        }
        switch Int.random(in: 0..<100, using: &chance) {
        case 0: cache.removeAll()
        case 1..<40: cache.invalidateAll(changes)
        case 40..<60: for change in changes { cache.update(change.key, change.value, version: change.version) }
        case 60..<70: for change in changes { cache.invalidate(change.key, version: .absent) }
        default: cache.updateAll(changes)
        }
        for change in changes { store.answer(change.key, change.version.position) }
    }

    /// Reads one key through the single flight, or many with leases of their own.
    func read(_ chance: inout SeededGenerator, _ results: inout [CacheLookup<Int, Int>]) async throws {
        if Bool.random(using: &chance) {
            let key = key(&chance)
            let least = store.answered[key].value.load(ordering: .sequentiallyConsistent)
            let isSlow = Int.random(in: 0..<50, using: &chance) == 0
            let answer = try await cache.value(for: key) { key in
                let answer = store.read(key)
                if isSlow { await Task.yield() }
                return answer
            }
            try #require(answer.version.position >= least, "read \(answer) after \(least) was answered")
        } else {
            let keys = (0..<20).map { _ in key(&chance) }
            let least = keys.map { store.answered[$0].value.load(ordering: .sequentiallyConsistent) }
            cache.lookup(keys, into: &results)
            for (place, result) in results.enumerated() {
                switch result {
                case .hit(let value, let found):
                    try #require(found.position >= least[place])
                    try #require(value == Int(found.position) - 1)
                case .miss(let lease):
                    let answer = store.read(lease.key)
                    cache.fill(lease, answer.value, version: answer.version)
                }
            }
        }
    }

    @Test("nobody reads what was there before an answered write", .timeLimit(.minutes(5)))
    func linearizable() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for seed in 0..<6 as Range<UInt64> {
                group.addTask {
                    var chance = SeededGenerator(state: seed)
                    var results: [CacheLookup<Int, Int>] = []
                    for step in 0..<6_000 {
                        if seed % 3 == 0 { write(&chance) } else { try await read(&chance, &results) }
                        if step % 64 == 0 { await Task.yield() }
                    }
                }
            }
            try await group.waitForAll()
        }
        let statistics = cache.statistics()
        #expect(statistics.bytes <= 64 << 10)
        #expect(statistics.hits > 1_000 && statistics.refusedRevoked > 0, "\(statistics)")
        #expect(cache.flightCount == 0)
    }

    @Test("cancelled readers harm nobody", .timeLimit(.minutes(5)))
    func cancellation() async throws {
        for round in 0..<300 {
            let gate = Gate()
            let tasks = (0..<8).map { number in
                Task {
                    try await cache.value(for: 1_000 + round) { _ in
                        await gate.pass()
                        try Task.checkCancellation()
                        return Versioned(number, version: version(1))
                    }
                }
            }
            for task in tasks.prefix(round % 8) { task.cancel() }
            gate.open()
            for (number, task) in tasks.enumerated() {
                switch await task.result {
                case .success: continue
                case .failure(let error):
                    try #require(error is CancellationError && number < round % 8, "\(error)")
                }
            }
        }
        #expect(cache.flightCount == 0)
    }
}

extension Atomic where Value == UInt64 {
    /// An atomic that an array can hold.
    final class Box: Sendable {
        let value = Atomic<UInt64>(0)
    }
}
