internal import Reactions
public import Spillway

/// Compares rows with what records of the retained log said, as far as they are applied.
public struct LogAudit: Sendable {
    private let store: RocksReactionStore

    /// In a store that nobody writes.
    public init(_ store: RocksReactionStore) { self.store = store }

    /// Checks one batch of a replay from the start.
    public func check(_ batch: RecordBatch, report: inout AuditReport) throws {
        let applied = store.applied(batch.partition.partition)
        let decoder = ReactionEventDecoder()
        for record in batch.records {
            guard let position = record.position, position < applied, let value = record.value,
                let event = decoder.decode(value)
            else { continue }
            guard let row = try store.row(of: event.userID, on: event.targetID) else {
                report.found(
                    "the log's vote of \(event.userID) on \(event.targetID) at \(position.low) has no readable row")
                continue
            }
            if row.sequence < position.low, row.version < event.version {
                report.found("the row of \(event.userID) on \(event.targetID) is older than the log's \(position.low)")
            }
        }
    }
}
