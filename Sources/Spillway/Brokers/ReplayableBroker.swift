/// A broker whose kept records can be read without joining a group.
public protocol ReplayableBroker: Broker {
    /// Hands over every record that is durable when the call begins, for each partition from a position on.
    ///
    /// Within a partition records come in the order of their positions; nothing is committed, and no demand is needed:
    /// the body's own pace is the reading's. Returns after the last of them.
    ///
    /// - Parameter positions: where to begin, by the partition's number; a partition that is not named is left out.
    /// - Throws: `BrokerError` with ``BrokerError/Code/unknownTopic``, or what the body throws.
    func replay(
        _ topic: String, from positions: [Int: Position], _ body: @Sendable (RecordBatch) throws -> Void
    ) async throws
}
