/// A change of a ``FailureStore``.
public enum FailureOperation: Sendable {
    /// Puts an entry into the side queue; replaces the entry of the same name.
    case put(SideEntry)
    /// Puts an entry into the side queue; nothing happens if there is one of the same name.
    case putIfAbsent(SideEntry)
    /// Takes a record out of the side queue; nothing happens if it is not there.
    case remove(RecordName)
    /// Puts a record among the dead letters, in place of one of the same name, and takes it out of the side queue.
    case bury(DeadLetter)
}

/// How much is in a part of a ``FailureStore``.
public struct FailureCount: Sendable, Equatable {
    /// Records.
    public var records: Int
    /// Bytes of them.
    public var bytes: Int

    /// Makes a count.
    public init(records: Int, bytes: Int) {
        self.records = records
        self.bytes = bytes
    }
}

/// Keeps the records that consumers moved away: side queues, one for each group, and dead letters.
///
/// `FailureStoreConformance` in SpillwayTesting checks what every store has to do. Everything may be called from
/// anywhere. Keys are compared by their bytes; a record without a key has the empty one. A key that is
/// held has at most 65,535 bytes; those of delayed entries and dead letters may have any length.
///
/// An entry of the side queue is in one of two orders: delayed entries by due time, held ones by key and position.
/// Entries of both modes may exist side by side.
public protocol FailureStore: Sendable {
    /// Applies all operations of a group's consumer, in their order, or none; durable on return.
    ///
    /// - Parameter generations: under which generation the consumer owns the partitions that the operations are of. A
    ///   store that has heard of a later one in ``open(group:partition:generation:)`` refuses the call: what an earlier
    ///   owner still has under way must not come after what the present one has read.
    /// - Throws: ``FailureStoreError`` with ``FailureStoreError/Code/fenced``; ``FailureStoreError`` with ``FailureStoreError/Code/full`` if a part would pass its limit in records
    ///   or bytes; removing is possible all the same, also in the same call after which the part is no larger.
    func apply(
        _ operations: [FailureOperation], group: String, generations: [TopicPartition: UInt64]
    ) async throws

    /// A consumer has been assigned a partition under a generation: from now on operations of earlier generations are
    /// refused, for as long as this process lives at least. A store may keep that longer only for brokers whose
    /// generations grow over restarts, as the embedded one's do: those of a broker without a memory begin anew with its
    /// process, and everything that it owned before would be refused then.
    ///
    /// - Returns: the partition's ``heldKeys(group:partition:)``.
    func open(group: String, partition: TopicPartition, generation: UInt64) async throws -> [HeldKeySummary]

    // MARK: Side queue

    /// The keys of a partition that are held, in no particular order.
    func heldKeys(group: String, partition: TopicPartition) async throws -> [HeldKeySummary]

    /// The first held entries of a key at or after a position, ascending by position.
    ///
    /// - Parameters:
    ///   - limit: at most so many.
    ///   - maxBytes: the entry with which they have so many bytes (``SideEntry/byteCount``) is the last one; the first
    ///     one is returned however large it is.
    func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry]

    /// Delayed entries of a partition that are due at or before a time, ascending by due time, then by position.
    ///
    /// - Parameters:
    ///   - limit: at most so many.
    ///   - maxBytes: as in ``heldEntries(group:partition:key:from:limit:maxBytes:)``.
    func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int
    ) async throws -> [SideEntry]

    /// When the first delayed entry of a partition is due; `nil` if there is none.
    func nextDelayedDueMs(group: String, partition: TopicPartition) async throws -> Int64?

    /// How much is in the side queue of a group.
    func sideCount(group: String) async throws -> FailureCount

    // MARK: Dead letters

    /// Dead letters in the order of their names, of one group or of all, behind a name.
    ///
    /// - Parameter limit: at most so many; at least 1.
    func deadLetters(group: String?, after name: RecordName?, limit: Int) async throws -> [DeadLetter]

    /// One dead letter; `nil` if there is none of that name.
    func deadLetter(_ name: RecordName) async throws -> DeadLetter?

    /// Removes dead letters; durable on return.
    ///
    /// - Returns: how many of them there were.
    func discardDeadLetters(_ names: [RecordName]) async throws -> Int

    /// Moves dead letters back to the side queues of their groups, as delayed entries that are due at a time, with no
    /// attempt and no round counted and the reason kept, in place of an entry of the same name. Each is in one of both places at any time, also after a crash, so asking twice moves once; a name
    /// that is not among the dead letters is passed over. Durable on return.
    ///
    /// - Returns: how many were moved.
    /// - Throws: ``FailureStoreError`` with ``FailureStoreError/Code/full`` if a side queue would pass its limit.
    func requeueDeadLetters(_ names: [RecordName], dueMs: Int64) async throws -> Int

    /// How many dead letters there are, of one group or of all.
    func deadLetterCount(group: String?) async throws -> FailureCount
}

extension FailureStore {
    /// Applies all operations, in their order, or none, for nobody who owns partitions: tools and tests.
    public func apply(_ operations: [FailureOperation]) async throws {
        try await apply(operations, group: "", generations: [:])
    }

    /// The same without a limit in bytes, for tools and tests.
    public func heldEntries(
        group: String, partition: TopicPartition, key: [UInt8], from position: Position, limit: Int
    ) async throws -> [SideEntry] {
        try await heldEntries(
            group: group, partition: partition, key: key, from: position, limit: limit, maxBytes: .max)
    }

    /// The same without a limit in bytes, for tools and tests.
    public func delayedEntries(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int
    ) async throws -> [SideEntry] {
        try await delayedEntries(
            group: group, partition: partition, dueByMs: dueByMs, limit: limit, maxBytes: .max)
    }
}

/// What went wrong at a ``FailureStore``.
public struct FailureStoreError: RetriableError, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// A part of the store is at its limit in records or bytes; nothing was written.
        public static let full = Code("full")
        /// The partition has gone to a later owner; nothing was written.
        public static let fenced = Code("fenced")
        /// A name in the call is longer than 255 bytes, or a key that is to be held longer than 65,535. Keys of delayed
        /// entries and of dead letters may have any length.
        public static let invalidName = Code("invalid-name")
        /// The store failed; see the cause.
        public static let failed = Code("failed")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, isRetriable: Bool = true, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}

/// The limits of a ``FailureStore``, for each group's side queue and for the dead letters of all groups together.
public struct FailureStoreLimits: Hashable, Sendable {
    /// Records in the side queue of one group; at least 1, default a million.
    public var sideRecords = 1_000_000
    /// Bytes in the side queue of one group; at least 1, default 1 GiB.
    public var sideBytes = 1 << 30
    /// Dead letters; at least 1, default ten million.
    public var deadLetters = 10_000_000
    /// Bytes of dead letters; at least 1, default 10 GiB.
    public var deadLetterBytes = 10 << 30

    /// Limits with every default.
    public init() {}
}
