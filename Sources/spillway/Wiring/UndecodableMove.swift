import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore

/// Moves records that earlier versions set aside in the reactions' store, since they could not be decoded, to the dead
/// letters. Of these the bytes alone were kept: no key, no headers, no time.
///
/// A record is removed there after it is durable here, so a start that ends in between moves it again, under the same name.
struct UndecodableMove {
    private static let atOnce = 256

    private let store: RocksReactionStore
    private let source: String
    private let failures: any FailureStore

    /// - Parameter source: of the log that the records came from.
    init(from store: RocksReactionStore, of source: String, to failures: any FailureStore) {
        self.store = store
        self.source = source
        self.failures = failures
    }

    /// Returns how many were moved.
    ///
    /// - Throws: `FailureStoreError`, `DatabaseError`; what is not moved stays.
    func run() async throws -> Int {
        var moved = 0
        while true {
            let records = try store.undecodableRecords(limit: Self.atOnce)
            if records.isEmpty { return moved }
            try await failures.apply(records.map { .bury(letter($0)) })
            try store.removeUndecodable(records)
            moved += records.count
        }
    }

    private func letter(_ kept: UndecodableRecord) -> DeadLetter {
        let partition = TopicPartition(
            source: source, topic: Reactions.ReactionsConfiguration().topic, partition: kept.partition)
        let now = SystemTimeSource().wallMilliseconds()
        return DeadLetter(
            name: RecordName(group: ReactionService.group, partition: partition, position: kept.position),
            record: Record(key: nil, value: kept.bytes, position: kept.position, timestampMs: now, headers: []),
            reason: "an earlier version could not decode the record and kept its bytes only", attempts: 1,
            failedAtMs: now)
    }
}
