import FoundationEssentials
import Reactions
import Spillway
import SpillwayRocksDB

@testable import ReactionsRocksDB

/// A store in a directory of its own, which goes with it.
final class TemporaryStore {
    let directory: String
    private(set) var database: Database
    private(set) var store: RocksReactionStore
    let partitions: Int

    init(partitions: Int = 3) throws {
        directory = "/tmp/spillway-reactions-\(UUID().uuidString)"
        self.partitions = partitions
        (database, store) = try Self.open(directory, partitions)
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    private static func open(_ directory: String, _ partitions: Int) throws -> (Database, RocksReactionStore) {
        var configuration = Database.Configuration()
        configuration.families = RocksReactionStore.familyOptions(memtableBytes: configuration.memtableBytes)
        let database = try Database.open(directory, configuration)
        let store = try RocksReactionStore(
            database, epoch: database.storeEpoch, partitions: partitions, targetTypes: ["video", "comment"])
        return (database, store)
    }

    /// - Parameter meanwhile: what happens to the directory while it is closed.
    func reopen(_ meanwhile: () throws -> Void = {}) throws {
        try database.close()
        try meanwhile()
        (database, store) = try Self.open(directory, partitions)
    }

    /// Applies events as the log would give them: positions rise over all partitions.
    @discardableResult
    func apply(_ events: [ReactionEvent], from sequence: UInt64) throws -> [ProjectionOutcome] {
        var byPartition: [Int: [PositionedEvent]] = [:]
        for (offset, event) in events.enumerated() {
            let partition = KeyPartitioner.partition(for: event.targetID.utf8, of: partitions)
            byPartition[partition, default: []].append(
                PositionedEvent(position: Position(high: 1, low: sequence + UInt64(offset)), event: event))
        }
        let applied = try store.appliedPositions().byTarget
        return try byPartition.sorted { $0.key < $1.key }.map { partition, events in
            try store.apply(
                ProjectionBatch(
                    partition: partition, from: applied[partition],
                    next: events.last?.position.successor ?? applied[partition], events: events))
        }
    }
}
