import FoundationEssentials
import Glibc
import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@testable import SpillwayRocksDB

/// What the embedded failure store does beyond what every store has to do.
@Suite struct RocksFailureStoreTests {
    let homes = FailureHomes()

    @Test func whatApplyReturnedForIsSynced() async throws {
        let store = try homes.open()
        let database = try #require(homes.database(store))
        for low in 0..<5 as Range<UInt64> {
            try await store.apply([.put(sideEntry(recordName(low))), .bury(deadLetter(recordName(low + 10)))])
            #expect(database.durableSequence == database.latestSequence)
            try await store.apply([.remove(recordName(low))])
            #expect(database.durableSequence == database.latestSequence)
            #expect(try await store.requeueDeadLetters([recordName(low + 10)], dueMs: 1) == 1)
            #expect(database.durableSequence == database.latestSequence)
        }
        try homes.closeAll()
    }

    /// A copy of a running database's files is what SIGKILL leaves.
    @Test func aCrashKeepsWhatApplyReturnedFor() async throws {
        let directory = TemporaryDirectory()
        let store = try homes.open(directory)
        var expected: Set<UInt64> = []
        var letters: Set<UInt64> = []
        for round in 0..<4 as Range<UInt64> {
            let lows = (round * 40)..<((round + 1) * 40)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for low in lows {
                    group.addTask {
                        try await store.apply([.put(sideEntry(recordName(low), dueMs: Int64(low)))])
                        if low % 4 == 1 { try await store.apply([.remove(recordName(low))]) }
                        if low % 4 >= 2 { try await store.apply([.bury(deadLetter(recordName(low)))]) }
                        if low % 4 == 3 { _ = try await store.requeueDeadLetters([recordName(low)], dueMs: 0) }
                    }
                }
                try await group.waitForAll()
            }
            for low in lows {
                if low % 4 == 0 || low % 4 == 3 { expected.insert(low) }
                if low % 4 == 2 { letters.insert(low) }
            }
            try FileManager.default.copyItem(atPath: directory("data"), toPath: directory("copy\(round)"))
            let copy = try Database.open(directory("copy\(round)"))
            let crashed = try RocksFailureStore(copy)
            #expect(!copy.wasCleanShutdown)
            #expect(Set(try await crashed.delayedLows()) == expected)
            let found = try await crashed.deadLetters(group: nil, after: nil, limit: 1_000)
            #expect(Set(found.map(\.name.position.low)) == letters)
            #expect(try await crashed.sideCount(group: "g").records == expected.count)
            #expect(try await crashed.deadLetterCount(group: "g").records == letters.count)
            crashed.close()
            try copy.close()
        }
        try homes.closeAll()
    }

    private typealias Call = @Sendable (RocksFailureStore) async throws -> Void

    /// Runs calls that all wait for the writer, and lets it go when they have queued.
    private func together(
        _ store: RocksFailureStore, _ calls: [Call]
    ) async throws -> [(any Error)?] {
        let gate = Gate()
        return try await withThrowingTaskGroup(of: (Int, (any Error)?).self) { group in
            group.addTask {
                try await store.writer.executor.run { gate.wait() }
                return (-1, nil)
            }
            for (index, call) in calls.enumerated() {
                group.addTask {
                    do { try await call(store) } catch { return (index, error) }
                    return (index, nil)
                }
            }
            let deadline = ContinuousClock.now + .seconds(30)
            while store.writer.pendingChanges < calls.count, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(store.writer.pendingChanges == calls.count)
            gate.open()
            var errors = [(any Error)?](repeating: nil, count: calls.count)
            for try await (index, error) in group where index >= 0 { errors[index] = error }
            return errors
        }
    }

    private func syncs(_ registry: MetricsRegistry) -> String? {
        String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("spillway_side_queue_sync_seconds_count")
        }?.split(separator: " ").last.map(String.init)
    }

    @Test func callsThatWaitShareAWriteAndASync() async throws {
        let registry = MetricsRegistry()
        let store = try homes.open(metrics: registry)
        let database = try #require(homes.database(store))
        let calls = (0..<50 as Range<UInt64>).map { low -> Call in
            { store in try await store.apply([.put(sideEntry(recordName(low)))]) }
        }
        let errors = try await together(store, calls)
        #expect(errors.allSatisfy { $0 == nil })
        #expect(syncs(registry) == "1")
        #expect(database.durableSequence == database.latestSequence)
        #expect(try await store.delayedLows().count == 50)
        try homes.closeAll()
    }

    @Test func ofCallsThatShareAWriteEachHasItsOwnError() async throws {
        let registry = MetricsRegistry()
        var limits = FailureStoreLimits()
        limits.sideRecords = 5
        let store = try homes.open(TemporaryDirectory(), limits, metrics: registry)
        try await store.apply([.bury(deadLetter(recordName(100)))])
        let errors = try await together(
            store,
            [
                { try await $0.apply((0..<4).map { .put(sideEntry(recordName($0))) }) },
                { try await $0.apply([.put(sideEntry(recordName(10))), .put(sideEntry(recordName(11)))]) },
                { try await $0.apply([.put(sideEntry(recordName(12)))]) },
                { _ = try await $0.requeueDeadLetters([recordName(100)], dueMs: 0) },
                { try await $0.apply([.remove(recordName(0)), .remove(recordName(1))]) },
            ])
        let codes = errors.map { ($0 as? FailureStoreError)?.code }
        let (lows, refused) = (Set(try await store.delayedLows()), codes.count { $0 == .full })
        #expect(codes.allSatisfy { $0 == nil || $0 == .full })
        #expect(errors.count { $0 != nil } == refused && refused >= 1)
        #expect(codes[4] == nil)
        // Who came first is not known, but each is there as a whole or not at all.
        #expect(lows.contains(2) == (codes[0] == nil) && lows.contains(3) == (codes[0] == nil))
        #expect(lows.contains(10) == (codes[1] == nil) && lows.contains(11) == (codes[1] == nil))
        #expect(lows.contains(12) == (codes[2] == nil))
        #expect(lows.contains(100) == (codes[3] == nil))
        #expect(try await store.sideCount(group: "g").records == lows.count)
        #expect(try await store.deadLetterCount(group: nil).records == (codes[3] == nil ? 0 : 1))
        #expect(syncs(registry) == "2")
        try homes.closeAll()
    }

    @Test func theMetricsSayWhatIsThere() async throws {
        let registry = MetricsRegistry()
        var store = try homes.open(metrics: registry)
        func figures(_ registry: MetricsRegistry) -> Set<String> {
            Set(
                String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n").map(String.init)
                    .filter { line in
                        ["spillway_side_queue_r", "spillway_side_queue_b", "spillway_dead"].contains {
                            line.hasPrefix($0)
                        }
                    })
        }
        #expect(figures(registry) == ["spillway_dead_letters_records 0", "spillway_dead_letters_bytes 0"])
        try await store.apply([
            .put(sideEntry(recordName(1))), .put(sideEntry(recordName(2), .held)),
            .put(sideEntry(recordName(1, group: "h"))), .bury(deadLetter(recordName(3))),
        ])
        let full: Set<String> = [
            "spillway_side_queue_records{group=\"g\"} 2", "spillway_side_queue_bytes{group=\"g\"} 6",
            "spillway_side_queue_records{group=\"h\"} 1", "spillway_side_queue_bytes{group=\"h\"} 3",
            "spillway_dead_letters_records 1", "spillway_dead_letters_bytes 6",
        ]
        #expect(figures(registry) == full)
        let reopened = MetricsRegistry()
        store = try homes.reopen(store, metrics: reopened)
        #expect(figures(reopened) == full)
        try await store.apply([.remove(recordName(1)), .remove(recordName(2)), .remove(recordName(1, group: "h"))])
        #expect(try await store.discardDeadLetters([recordName(3)]) == 1)
        #expect(figures(reopened).allSatisfy { $0.hasSuffix(" 0") })
        try homes.closeAll()
    }

    @Test func aDiskThatIsNearlyFullTakesNothingMoreAndCanBeEmptied() async throws {
        let free = Mutex<Int64>(1 << 30)
        var configuration = Database.Configuration()
        configuration.reserveBytes = 100 << 20
        configuration.freeBytes = { _ in free.withLock { $0 } }
        let store = try homes.open(configuration: configuration)
        let database = try #require(homes.database(store))
        try await store.apply([.put(sideEntry(recordName(1))), .bury(deadLetter(recordName(2)))])
        free.withLock { $0 = 1 << 20 }
        let deadline = ContinuousClock.now + .seconds(10)
        while database.reserve.level != .critical, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(1))
        }
        for change: @Sendable () async throws -> Void in [
            { try await store.apply([.put(sideEntry(recordName(3)))]) },
            { try await store.apply([.remove(recordName(1)), .bury(deadLetter(recordName(1)))]) },
            { _ = try await store.requeueDeadLetters([recordName(2)], dueMs: 0) },
        ] {
            let error = await #expect(throws: FailureStoreError.self) { try await change() }
            #expect(error?.code == .failed)
            #expect(error?.isRetriable == true)
            #expect((error?.cause as? DatabaseError)?.code == .noSpace)
        }
        try await store.apply([.remove(recordName(1))])
        #expect(try await store.discardDeadLetters([recordName(2)]) == 1)
        #expect(try await store.sideCount(group: "g").records == 0)
        try homes.closeAll()
    }

    @Test func aLimitThatWasLoweredLetsWhatIsThereShrink() async throws {
        let directory = TemporaryDirectory()
        let before = try homes.open(directory)
        try await before.apply((0..<4).map { .put(sideEntry(recordName($0))) })
        try await before.apply((10..<14).map { .bury(deadLetter(recordName($0))) })
        try homes.closeAll()
        var limits = FailureStoreLimits()
        (limits.sideRecords, limits.sideBytes, limits.deadLetters, limits.deadLetterBytes) = (1, 1, 1, 1)
        let store = try homes.open(directory, limits)
        try await store.apply([.put(sideEntry(recordName(3), .held)), .bury(deadLetter(recordName(13)))])
        try await store.apply([.remove(recordName(0))])
        try await store.apply([.remove(recordName(1)), .put(sideEntry(recordName(0)))])
        #expect(try await store.discardDeadLetters([recordName(10)]) == 1)
        for operation in [FailureOperation.put(sideEntry(recordName(5))), .bury(deadLetter(recordName(5)))] {
            let error = await #expect(throws: FailureStoreError.self) { try await store.apply([operation]) }
            #expect(error?.code == .full)
        }
        #expect(try await store.sideCount(group: "g").records == 3)
        #expect(try await store.deadLetterCount(group: nil).records == 3)
        try homes.closeAll()
    }

    @Test func callsAfterTheEndAreRefused() async throws {
        let store = try homes.open()
        store.close()
        let write = await #expect(throws: FailureStoreError.self) { try await store.apply([.remove(recordName(1))]) }
        #expect(write?.code == .failed)
        let read = await #expect(throws: FailureStoreError.self) { try await store.deadLetter(recordName(1)) }
        #expect(read?.code == .failed)
        try homes.closeAll()
    }
}

/// Holds a thread until it is opened.
final class Gate: Sendable {
    private let monitor = Monitor(false)

    func wait() { _ = monitor.wait { $0 ? true : nil } }

    func open() {
        monitor.withLock { $0 = true }
        monitor.broadcast()
    }
}
