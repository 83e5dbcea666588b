public import Spillway
public import SpillwayCore
internal import Synchronization

/// Side queues and dead letters in the embedded database, in families of their own.
///
/// Calls that change something are durable on return; those made at the same time share a write and a sync. Listing dead
/// letters behind a name, and reading or moving one, cost the same however many there are.
///
/// Delayed entries that are put together stand in blocks, up to 32 in a row, and where each is, and when it is due, is kept
/// in memory: about a hundred bytes an entry, of the most that `FailureStoreLimits.sideRecords` lets in. Opening the
/// store reads the side queues through.
///
/// Calls block threads of the store's own and never the caller's.
public final class RocksFailureStore: FailureStore {
    let tables: FailureTables
    let writer: FailureWriter
    let fences = Mutex(PartitionFences())
    private let readers = BlockingExecutor(name: "side-reader", threads: 2)

    /// Opens the store; makes its column families if they are not there. Blocks.
    ///
    /// One store is made for a database at a time: it keeps in memory how much there is, and where entries are. A
    /// directory in which there were delayed entries is read by programs that know format 2 only.
    ///
    /// - Parameters:
    ///   - database: has to stay open while the store is used; see ``close()``.
    ///   - limits: default those of `FailureStoreLimits()`.
    ///   - registry: shows `spillway_side_queue_records` and `spillway_side_queue_bytes` by group,
    ///     `spillway_dead_letters_records`, `spillway_dead_letters_bytes` and `spillway_side_queue_sync_seconds`.
    /// - Throws: `DatabaseError`, or `MetricsError` if the names are taken by others.
    public convenience init(
        _ database: Database, limits: FailureStoreLimits = FailureStoreLimits(),
        metrics registry: MetricsRegistry = MetricsRegistry()
    ) throws {
        try self.init(tables: FailureTables(database), limits: limits, metrics: registry)
    }

    init(tables: FailureTables, limits: FailureStoreLimits, metrics registry: MetricsRegistry) throws {
        self.tables = tables
        let metrics = try FailureStoreMetrics(registry)
        metrics.show(tables.remembered)
        writer = FailureWriter(tables, limits: limits, metrics)
    }

    /// Waits for the calls that have begun, and refuses new ones; to be called before the database is closed. Blocks.
    public func close() {
        writer.shutdown()
        readers.shutdown()
    }

    // MARK: Changes

    /// Applies all operations, in their order, or none; durable on return.
    public func apply(
        _ operations: [FailureOperation], group: String, generations: [TopicPartition: UInt64]
    ) async throws {
        let call = try FailureCall(operations)
        do {
            guard !generations.isEmpty else {
                _ = try await writer.make(call)
                return
            }
            _ = try await writer.make(call) { [self] in
                try fences.withLock { try $0.check(group: group, generations) }
            }
        } catch { throw Self.storeError(error) }
    }

    /// Refuses what earlier owners of a partition still want written, and returns the keys that are held once what they
    /// had written before is.
    public func open(group: String, partition: TopicPartition, generation: UInt64) async throws -> [HeldKeySummary] {
        fences.withLock { $0.open(group: group, partition: partition, generation: generation) }
        let tables = tables
        // On the writer's thread: behind every batch that was let through before.
        do { return try await writer.executor.run { try tables.heldKeys(group, partition) } } catch {
            throw Self.storeError(error)
        }
    }

    /// Removes dead letters; durable on return.
    public func discardDeadLetters(_ names: [RecordName]) async throws -> Int {
        try await make(FailureCall(discarding: names))
    }

    /// Moves dead letters back to the side queues of their groups; durable on return.
    public func requeueDeadLetters(_ names: [RecordName], dueMs: Int64) async throws -> Int {
        try await make(FailureCall(requeueing: names, dueMs: dueMs))
    }

    private func make(_ call: FailureCall) async throws -> Int {
        do { return try await writer.make(call) } catch { throw Self.storeError(error) }
    }

    private static func storeError(_ error: any Error) -> FailureStoreError {
        if let known = error as? FailureStoreError { return known }
        let isRetriable = (error as? DatabaseError)?.isRetriable ?? false
        return FailureStoreError(.failed, "\(error)", isRetriable: isRetriable, cause: error)
    }

    // MARK: Side queue

    private func read<Result: Sendable>(
        _ body: @escaping @Sendable (FailureTables) throws -> Result
    ) async throws -> Result {
        let tables = tables
        do { return try await readers.run { try body(tables) } } catch { throw Self.storeError(error) }
    }

    /// The keys of a partition that are held, in no particular order.
    public func heldKeys(group: String, partition: TopicPartition) async throws -> [HeldKeySummary] {
        try await read { try $0.heldKeys(group, partition) }
    }

    /// The first held entries of a key at or after a position, ascending by position.
    public func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        try await read {
            try $0.heldEntries(group, partition, key: key, from: position, limit: limit, maxBytes: maxBytes)
        }
    }

    /// Delayed entries of a partition that are due at or before a time, ascending by due time, then by position.
    public func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry] {
        try await read {
            try $0.delayedEntries(group, partition, dueByMs: dueByMs, limit: limit, maxBytes: maxBytes)
        }
    }

    /// When the first delayed entry of a partition is due; `nil` if there is none.
    public func nextDelayedDueMs(group: String, partition: TopicPartition) async throws -> Int64? {
        try await read { $0.nextDelayedDueMs(group, partition) }
    }

    /// How much is in the side queue of a group.
    public func sideCount(group: String) async throws -> FailureCount { tables.counts(of: group).side }

    // MARK: Dead letters

    /// Dead letters in the order of their names, of one group or of all, behind a name.
    public func deadLetters(group: String?, after name: RecordName?, limit: Int) async throws -> [DeadLetter] {
        try await read { try $0.deadLetters(group: group, after: name, limit: limit) }
    }

    /// One dead letter; `nil` if there is none of that name.
    public func deadLetter(_ name: RecordName) async throws -> DeadLetter? {
        try await read { try $0.deadLetter(name) }
    }

    /// How many dead letters there are, of one group or of all.
    public func deadLetterCount(group: String?) async throws -> FailureCount {
        group.map { tables.counts(of: $0).letters } ?? tables.allLetters
    }
}
