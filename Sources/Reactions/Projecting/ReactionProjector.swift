internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// The projections' handler: decodes a batch of a partition, makes dead letters of what can't be decoded, applies the rest
/// in one transaction, then brings the caches up to it, lets the overlay forget it, and tells those who wait or watch. In
/// this order: a letter is durable before the applied offset passes its record.
final class ReactionProjector: PartitionBatchHandler {
    private let store: any ReactionStore
    private let undecodable: UndecodableRecords
    private let readModel: ReadModel
    private let overlay: Overlay
    private let outcomes: OutcomeBoard
    private let hub: CountsHub
    private let metrics: ReactionsMetrics
    private let logger: Logger
    private let time: any TimeSource
    /// Records of one transaction. RocksDB writes one batch after the other, so that the log waits for each: two hundred
    /// take it a millisecond and more.
    private static let transactionRecords = 64
    /// The same when so many records have queued up that catching up matters more.
    private static let largeTransactionRecords = 1_024
    /// Where each partition's next batch starts.
    private let next: Mutex<[Int: Position]>

    init(
        store: any ReactionStore, undecodable: UndecodableRecords, readModel: ReadModel, outcomes: OutcomeBoard,
        hub: CountsHub, metrics: ReactionsMetrics, logger: Logger, time: any TimeSource
    ) {
        self.store = store
        self.undecodable = undecodable
        self.readModel = readModel
        overlay = readModel.overlay
        self.outcomes = outcomes
        self.hub = hub
        self.metrics = metrics
        self.logger = logger
        self.time = time
        next = Mutex([:])
    }

    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        let applied = try store.appliedPositions().byTarget
        var starts: [TopicPartition: Position] = [:]
        next.withLock { next in
            for partition in partitions {
                starts[partition] = applied[partition.partition]
                next[partition.partition] = applied[partition.partition]
            }
        }
        return starts
    }

    func handle(_ batch: RecordBatch) async throws {
        let size =
            batch.records.count < Self.largeTransactionRecords
            ? Self.transactionRecords : Self.largeTransactionRecords
        if batch.records.count <= size { return try await apply(batch) }
        for start in stride(from: 0, to: batch.records.count, by: size) {
            let records = Array(batch.records[start..<min(start + size, batch.records.count)])
            try await apply(
                RecordBatch(partition: batch.partition, generation: batch.generation, records: records))
        }
    }

    private func apply(_ batch: RecordBatch) async throws {
        let partition = batch.partition.partition
        guard let from = next.withLock({ $0[partition] }), let last = batch.records.last?.position,
            // A batch that failed comes again whole: what was applied of it before stays behind.
            last >= from
        else { return }
        let (projected, unread) = decode(batch, from: from, next: last.successor)
        if !unread.isEmpty { try await undecodable.bury(unread, of: batch) }
        let started = time.now()
        let outcome: ProjectionOutcome
        do {
            outcome = try store.apply(projected)
        } catch let error as ReactionStoreError where error.code == .offsetMoved {
            // An earlier attempt may have been written although it failed: nothing cached can be trusted, and the next
            // attempt starts from where the store stands.
            readModel.forgetAll()
            let applied = try store.appliedPositions().byTarget[partition]
            next.withLock { $0[partition] = applied }
            if applied >= projected.next {
                overlay.advance(partition: partition, clean: applied)
                return
            }
            throw error
        }
        next.withLock { $0[partition] = projected.next }
        readModel.apply(outcome)
        overlay.advance(partition: partition, clean: projected.next)
        outcomes.post(projected.events, previous: outcome.previous)
        hub.publish(outcome, epoch: store.epoch)
        if !unread.isEmpty { metrics.undecodable(unread.count) }
        metrics.applied(projected, outcome, took: time.now() - started, oldestMs: batch.records.first?.timestampMs)
        if outcome.negativeCounts > 0 {
            logger.error(
                "counts below zero: run spillway audit",
                metadata: ["partition": "\(partition)", "counts": "\(outcome.negativeCounts)"])
        }
    }

    /// The events of a batch from a position on, and the records that are none.
    private func decode(
        _ batch: RecordBatch, from: Position, next: Position
    ) -> (batch: ProjectionBatch, undecodable: [Record]) {
        var projected = ProjectionBatch(partition: batch.partition.partition, from: from, next: next, events: [])
        projected.events.reserveCapacity(batch.records.count)
        var undecodable: [Record] = []
        let decoder = ReactionEventDecoder()
        for record in batch.records {
            guard let position = record.position, position >= from else { continue }
            if let value = record.value, let event = decoder.decode(value) {
                projected.events.append(PositionedEvent(position: position, event: event))
            } else {
                undecodable.append(record)
            }
        }
        return (projected, undecodable)
    }
}
