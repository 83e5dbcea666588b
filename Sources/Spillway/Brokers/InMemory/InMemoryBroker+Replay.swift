import Synchronization

extension InMemoryBroker: ReplayableBroker {
    /// Hands over every record that is there when the call begins, for each named partition from its position on.
    public func replay(
        _ topic: String, from positions: [Int: Position], _ body: @Sendable (RecordBatch) throws -> Void
    ) async throws {
        let ends = try await endPositions(of: topic)
        for (partition, end) in ends {
            guard var next = positions[partition.partition] else { continue }
            while next < end {
                try Task.checkCancellation()
                let records = try state.withLock { state in
                    try Self.existing(topic, state).logs[partition.partition]
                        .read(from: next, maxRecords: limits.maxFetchRecords, maxBytes: .max)
                }
                let kept = records.filter { ($0.position ?? end) < end }
                guard let last = kept.last?.position else { break }
                try body(RecordBatch(partition: partition, generation: 0, records: kept))
                next = last.successor
            }
        }
    }
}
