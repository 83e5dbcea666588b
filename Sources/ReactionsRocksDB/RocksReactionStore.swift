public import Reactions
public import Spillway
public import SpillwayRocksDB
internal import Synchronization

/// Rows, counts and lists of reactions in the embedded database, beside the log in one write-ahead log.
///
/// Both projections, by target and by user, are applied by one transaction: they are never apart, an event is decoded
/// once and its old row read once. Each keeps its own applied offset, and the audit compares them.
public final class RocksReactionStore: ReactionStore {
    /// The version of the families' layout that this program writes.
    public static let formatVersion: UInt64 = 1

    /// See `ReactionStore`.
    public let epoch: UInt64
    /// See `ReactionStore`.
    public let partitions: Int

    let database: Database
    let families: ReactionFamilies
    let users: UserDirectory
    let types: TypeTable
    let targetNumbers: Atomic<UInt64>
    let states: [PartitionState]

    /// What the families are opened with; hand them to `Database.open`.
    ///
    /// - Parameter memtableBytes: what all memtables together may take; their hash tables grow with it.
    public static func familyOptions(memtableBytes: Int) -> [ColumnFamily.Options] {
        ReactionFamilies.options(memtableBytes: memtableBytes)
    }

    /// Opens the store in an open database.
    ///
    /// - Parameters:
    ///   - epoch: the database's store epoch.
    ///   - partitions: of the log; must be what the store was made with.
    ///   - targetTypes: the configured types.
    /// - Throws: `ReactionStoreError` for another number of partitions or a newer format; `DatabaseError`.
    public init(_ database: Database, epoch: UInt64, partitions: Int, targetTypes: [String]) throws {
        self.database = database
        self.epoch = epoch
        self.partitions = partitions
        families = try ReactionFamilies(database)
        try StoreFormat.check(database, families, partitions: partitions)
        types = try TypeTable(database, families, registering: targetTypes)
        users = UserDirectory(database, families, next: try Self.lastNumber(database, families.userNames) + 1)
        targetNumbers = Atomic(try Self.lastNumber(database, families.targetNames) + 1)
        var states: [PartitionState] = []
        for partition in 0..<partitions {
            let applied = try Self.applied(database, families, partition, .target)
            states.append(PartitionState(applied, cachedTargets: PartitionState.cachedTargets(partitions: partitions)))
        }
        self.states = states
    }

    /// The number of partitions that the store in a database was made with; `nil` if there is none yet.
    public static func storedPartitions(_ database: Database) throws -> Int? {
        try StoreFormat.partitions(database, ReactionFamilies(database))
    }

    // MARK: Offsets

    /// See `ReactionStore`.
    public func appliedPositions() throws -> (byTarget: [Position], byUser: [Position]) {
        (
            try (0..<partitions).map { try Self.applied(database, families, $0, .target).next },
            try (0..<partitions).map { try Self.applied(database, families, $0, .user).next }
        )
    }

    /// See `ReactionStore`.
    public func greatestVersion() throws -> UInt64 {
        try (0..<partitions).map { try Self.applied(database, families, $0, .target).version }.max() ?? 0
    }

    /// The position that a partition's projections read next.
    func applied(_ partition: Int) -> Position { states[partition].published.withLock { $0 } }

    static func applied(
        _ database: Database, _ families: ReactionFamilies, _ partition: Int, _ projection: AppliedOffset.Projection,
        options: Database.ReadOptions = Database.ReadOptions()
    ) throws -> AppliedOffset {
        let key = AppliedOffset.key(projection, partition: partition)
        guard let bytes = try database.get(families.meta, key, options: options) else { return AppliedOffset() }
        guard let offset = AppliedOffset(bytes) else {
            throw ReactionStoreError(.damaged, "the applied offset of partition \(partition) can't be read")
        }
        return offset
    }

    private static func lastNumber(_ database: Database, _ family: ColumnFamily) throws -> UInt64 {
        let iterator = database.iterator(family)
        guard iterator.seekToLast() else {
            try iterator.check()
            return 0
        }
        return unsafe iterator.withKey { key in
            var reader = unsafe ByteReader(key)
            return reader.number() ?? 0
        }
    }
}

/// What a partition's transactions need from one to the next.
final class PartitionState: Sendable {
    struct State {
        var applied: AppliedOffset
        /// Values of targets of this partition, which only its own transactions change.
        var targets: GenerationCache<String, TargetValue>
        let batch = WriteBatch(reservingBytes: 1 << 20)
        var scratch: [UInt8] = []
    }

    /// How many targets one generation of each partition's cache holds: their sum does not grow with the partitions, but
    /// for the thousand that each has at least.
    static func cachedTargets(partitions: Int) -> Int { max(1_000, 200_000 / partitions) }

    /// Held for a whole transaction, its reads included.
    let state: Mutex<State>
    /// The applied position after the last transaction, for readers who don't wait for one.
    let published: Mutex<Position>

    /// - Parameter cachedTargets: see ``cachedTargets(partitions:)``.
    init(_ applied: AppliedOffset, cachedTargets: Int) {
        state = Mutex(State(applied: applied, targets: GenerationCache(limit: cachedTargets)))
        published = Mutex(applied.next)
    }
}
