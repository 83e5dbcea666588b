import Spillway
import SpillwayCore
import Synchronization

@testable import SpillwayRocksDB

/// Failure stores, each in a directory of its own, which can be closed and opened again.
final class FailureHomes: Sendable {
    private struct Home: Sendable {
        var directory: TemporaryDirectory
        var database: Database
        var store: RocksFailureStore
        var limits: FailureStoreLimits
    }

    private let homes = Mutex<[ObjectIdentifier: Home]>([:])
    private let cachedBytes: Int
    /// What the indexes of their places begin with.
    private let index: PlaceIndex

    init(cachedBytes: Int = 16 << 20, index: PlaceIndex = PlaceIndex()) {
        self.cachedBytes = cachedBytes
        self.index = index
    }

    func open(
        _ directory: TemporaryDirectory = TemporaryDirectory(), _ limits: FailureStoreLimits = FailureStoreLimits(),
        configuration: Database.Configuration = Database.Configuration(), metrics: MetricsRegistry = MetricsRegistry()
    ) throws -> RocksFailureStore {
        let database = try Database.open(directory("data"), configuration)
        let store = try RocksFailureStore(
            tables: FailureTables(database, cachedBytes: cachedBytes, index: SideIndex(index)), limits: limits,
            metrics: metrics)
        homes.withLock {
            $0[ObjectIdentifier(store)] = Home(directory: directory, database: database, store: store, limits: limits)
        }
        return store
    }

    func database(_ store: RocksFailureStore) -> Database? {
        homes.withLock { $0[ObjectIdentifier(store)]?.database }
    }

    func reopen(_ store: any FailureStore, metrics: MetricsRegistry = MetricsRegistry()) throws -> RocksFailureStore {
        guard let rocks = store as? RocksFailureStore,
            let home = homes.withLock({ $0.removeValue(forKey: ObjectIdentifier(rocks)) })
        else { preconditionFailure("a store of another home") }
        try Self.close(home)
        return try open(home.directory, home.limits, metrics: metrics)
    }

    func closeAll() throws {
        let all = homes.withLock { homes in
            defer { homes = [:] }
            return Array(homes.values)
        }
        for home in all { try Self.close(home) }
    }

    private static func close(_ home: Home) throws {
        home.store.close()
        try home.database.close()
    }
}

/// A name in the one group and partition of most tests.
func recordName(_ low: UInt64, group: String = "g", partition: Int = 0) -> RecordName {
    RecordName(
        group: group, partition: TopicPartition(source: "s", topic: "t", partition: partition),
        position: Position(high: 1, low: low))
}

func sideEntry(_ name: RecordName, _ mode: SideEntry.Mode = .delayed, dueMs: Int64 = 0) -> SideEntry {
    SideEntry(
        name: name, mode: mode, dueMs: dueMs, attempts: 1, rounds: 0, reason: "",
        record: Record(key: [1], value: [2, 3], position: name.position, timestampMs: 4))
}

func deadLetter(_ name: RecordName) -> DeadLetter {
    DeadLetter(
        name: name, record: Record(key: [1], value: [2, 3], position: name.position, timestampMs: 4),
        reason: "why", attempts: 2, failedAtMs: 5)
}

extension FailureStore {
    func delayedLows(by dueMs: Int64 = .max) async throws -> [UInt64] {
        try await delayedEntries(
            group: "g", partition: recordName(0).partition, dueByMs: dueMs, limit: 1_000_000
        ).map(\.name.position.low)
    }
}
