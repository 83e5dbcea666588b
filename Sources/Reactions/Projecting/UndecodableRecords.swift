internal import Spillway
internal import SpillwayCore

/// Makes dead letters of records that the projections can't decode.
///
/// A letter is named by its record's position, so a batch that is handled again replaces its letters and adds none.
struct UndecodableRecords: Sendable {
    private let store: any FailureStore
    private let group: String
    private let logger: Logger
    private let time: any TimeSource

    init(_ store: any FailureStore, group: String, logger: Logger, time: any TimeSource) {
        self.store = store
        self.group = group
        self.logger = logger
        self.time = time
    }

    /// Buries records of a batch; durable on return.
    ///
    /// - Throws: `FailureStoreError`; none of them is buried then, and the batch has to come again.
    func bury(_ records: [Record], of batch: RecordBatch) async throws {
        let letters = records.compactMap { letter($0, of: batch.partition) }
        try await store.apply(
            letters.map { .bury($0) }, group: group, generations: [batch.partition: batch.generation])
        guard let first = letters.first else { return }
        logger.error(
            "records can't be decoded and are dead letters: see spillway dead-letters",
            metadata: [
                "partition": "\(batch.partition.partition)", "records": "\(letters.count)",
                "first": "\(first.name.text)",
            ])
    }

    private func letter(_ record: Record, of partition: TopicPartition) -> DeadLetter? {
        guard let position = record.position else { return nil }
        return DeadLetter(
            name: RecordName(group: group, partition: partition, position: position), record: record,
            reason: "the record is no event that this version can decode", attempts: 1,
            failedAtMs: time.wallMilliseconds())
    }
}
