/// A handler that keeps its own offsets, in the same transaction as what it writes.
///
/// The engine asks it at each assignment where to begin, seeks there, and commits to the broker only so that lag can
/// be seen and retention can move on.
public protocol PositionOwner: Sendable {
    /// The positions of the next record to handle, for partitions that this member has just been assigned.
    ///
    /// No record of a partition is delivered before this has returned. If it throws, it is asked again with backoff
    /// for ever. A partition that the answer leaves out begins where the broker says: at the group's commit.
    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position]
}

/// Handles a partition's records in order, as many at a time as are there: what a projection is.
///
/// Exactly one batch of a partition is being handled at any time, and batches of one partition follow each other
/// without gap or overlap. Different partitions run side by side. A batch holds what has been fetched up to the
/// ``Processor`` limits; it never waits for more to come.
public protocol PartitionBatchHandler: PositionOwner {
    /// Handles a batch: all of it, or throws.
    ///
    /// If it throws, the same batch comes again after a backoff, for ever, while everything behind them in the
    /// partition waits: a store that is down makes a projection wait. A record that can never be handled is for the
    /// handler to set aside.
    ///
    /// After a partition has moved, an earlier owner's last transaction may have ended after this one was asked for
    /// its start position. So the first records may be below what the store has applied: skip those. They are never
    /// above it.
    func handle(_ batch: RecordBatch) async throws
}

extension PartitionBatchHandler {
    /// Begins each partition at the group's commit.
    public func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] { [:] }
}
