import Synchronization

/// A failure store that keeps everything in memory: for tests, and for consumers whose records may be lost with the
/// process or come again from the log.
///
/// Nothing is durable: what was moved away is gone with the object. Everything else is as ``FailureStore`` says.
public final class InMemoryFailureStore: FailureStore {
    private let tables: Mutex<FailureTables>
    private let fences = Mutex(PartitionFences())

    /// Makes an empty store.
    ///
    /// - Parameter limits: default those of `FailureStoreLimits()`, which are made for disks: a million records and
    ///   1 GiB for each group's side queue, ten million and 10 GiB for dead letters.
    public init(limits: FailureStoreLimits = FailureStoreLimits()) {
        tables = Mutex(FailureTables(limits: limits))
    }

    /// Applies all operations, in their order, or none.
    public func apply(
        _ operations: [FailureOperation], group: String, generations: [TopicPartition: UInt64]
    ) async throws {
        for operation in operations { try operation.validate() }
        try fences.withLock { fences in
            try fences.check(group: group, generations)
            try tables.withLock { try $0.apply(operations) }
        }
    }

    /// Refuses what earlier owners of a partition still want written, and returns the keys that are held.
    public func open(group: String, partition: TopicPartition, generation: UInt64) async throws -> [HeldKeySummary] {
        fences.withLock { $0.open(group: group, partition: partition, generation: generation) }
        return try await heldKeys(group: group, partition: partition)
    }

    /// The keys of a partition that are held, in no particular order.
    public func heldKeys(group: String, partition: TopicPartition) async throws -> [HeldKeySummary] {
        tables.withLock { $0.heldKeys(RecordName(group: group, partition: partition, position: .start)) }
    }

    /// The first held entries of a key at or after a position, ascending by position.
    public func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        let from = RecordName(group: group, partition: partition, position: position)
        return tables.withLock { $0.heldEntries(from, key: key, limit: limit, maxBytes: maxBytes) }
    }

    /// Delayed entries of a partition that are due at or before a time, ascending by due time, then by position.
    public func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        let start = RecordName(group: group, partition: partition, position: .start)
        return tables.withLock { $0.delayedEntries(start, dueByMs: dueByMs, limit: limit, maxBytes: maxBytes) }
    }

    /// When the first delayed entry of a partition is due; `nil` if there is none.
    public func nextDelayedDueMs(group: String, partition: TopicPartition) async throws -> Int64? {
        tables.withLock { $0.nextDelayedDueMs(RecordName(group: group, partition: partition, position: .start)) }
    }

    /// How much is in the side queue of a group.
    public func sideCount(group: String) async throws -> FailureCount {
        tables.withLock { $0.side(Array(group.utf8)) }
    }

    /// Dead letters in the order of their names, of one group or of all, behind a name.
    public func deadLetters(group: String?, after name: RecordName?, limit: Int) async throws -> [DeadLetter] {
        tables.withLock { $0.deadLetters(group: group, after: name, limit: limit) }
    }

    /// One dead letter; `nil` if there is none of that name.
    public func deadLetter(_ name: RecordName) async throws -> DeadLetter? { tables.withLock { $0.letters[name] } }

    /// Removes dead letters.
    public func discardDeadLetters(_ names: [RecordName]) async throws -> Int {
        tables.withLock { $0.discard(names) }
    }

    /// Moves dead letters back to the side queues of their groups.
    public func requeueDeadLetters(_ names: [RecordName], dueMs: Int64) async throws -> Int {
        try tables.withLock { try $0.requeue(names, dueMs: dueMs) }
    }

    /// How many dead letters there are, of one group or of all.
    public func deadLetterCount(group: String?) async throws -> FailureCount {
        tables.withLock { tables in group.map { tables.deadLetters(Array($0.utf8)) } ?? tables.allLetters }
    }
}
