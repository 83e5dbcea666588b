internal import CSpillwayRocksDB
internal import Synchronization

/// The embedded database: one directory, one RocksDB, one write-ahead log for the broker's log and for projections.
///
/// ```swift
/// var configuration = Database.Configuration()
/// configuration.families = [ColumnFamily.Options(name: "rows")]
/// let database = try Database.open("data", configuration)    // blocks: not on an event loop
/// let rows = try database.family("rows")
///
/// let batch = WriteBatch()
/// batch.put(rows, Array("k".utf8), Array("v".utf8))
/// try database.write(batch)                                  // in the log, durable with the next sync
///
/// let length = try database.withValue(rows, Array("k".utf8)) { $0.count }   // nil: not there
/// let snapshot = database.snapshot()
/// let copy = try database.get(rows, Array("k".utf8), options: .init(snapshot: snapshot))
/// let quick = try database.get(rows, Array("k".utf8), options: .init(tier: .cacheOnly)) // may throw .incomplete
///
/// var keys = KeyBatch()
/// keys.append("a".utf8); keys.append("k".utf8)
/// try database.multiGet(rows, keys, sorted: true) { index, value in }       // value nil: not there
///
/// let walk = database.iterator(rows, .init(lower: Array("a".utf8), upper: Array("l".utf8)))
/// walk.seekToFirst()
/// while walk.isValid { walk.withEntry { key, value in }; walk.next() }
/// try walk.check()
///
/// try database.close()                                       // all iterators and snapshots gone before
/// ```
///
/// Reads and writes may be made from any thread. A write returns when it is in the write-ahead log; it is durable
/// after the next ``sync()``, which the broker's log writer calls for its own batches anyway.
@safe public final class Database: Sendable {
    /// Which reads may wait for the disk.
    public enum ReadTier: Int32, Sendable {
        /// Reads what is there.
        case all = 0
        /// Reads memtables and the block cache; throws ``DatabaseError/Code/incomplete`` instead of touching the
        /// disk. For event loops.
        case cacheOnly = 1
    }

    /// How a read is made.
    public struct ReadOptions: Sendable {
        /// The view to read; `nil`, the default, is the present.
        public var snapshot: Snapshot?
        /// Default ``ReadTier/all``.
        public var tier: ReadTier
        /// Whether blocks that are read stay in the cache; default true. False for scans.
        public var fillsCache: Bool

        /// Makes options.
        public init(snapshot: Snapshot? = nil, tier: ReadTier = .all, fillsCache: Bool = true) {
            self.snapshot = snapshot
            self.tier = tier
            self.fillsCache = fillsCache
        }

        var raw: spillway_read {
            unsafe spillway_read(snapshot: snapshot?.handle, tier: tier.rawValue, fill_cache: fillsCache)
        }
    }

    /// The data directory.
    public let path: String
    /// Whether the last user of the directory closed the database. If not, projections that were applied but not
    /// synced may have rolled back, and ``storeEpoch`` is new.
    public let wasCleanShutdown: Bool
    /// Leads the version of everything derived from the log: greater after each unclean start, restore and recovery.
    public let storeEpoch: UInt64
    /// The high word of each position in the log: greater after a restore or a recovery that lost something.
    public let logEpoch: UInt64

    /// Owned; closed once, in ``close()`` or at the end of the object.
    nonisolated(unsafe) let handle: OpaquePointer
    let events: DatabaseEvents
    /// The sequence up to which a sync has returned.
    let syncedSequence: Atomic<UInt64>
    let reserve: DiskReserve
    let giveWayCalls = Atomic<Int>(0)
    let unsynced = UnsyncedSignal()
    let configuration: Configuration
    private let uses = Atomic<Int>(0)
    private let needsNewEpoch = Atomic<Bool>(false)
    /// The version that the directory has at least.
    private let formatKnown = Atomic<Int>(DataDirectory.firstFormat)
    private let state: Mutex<State>

    struct State: ~Copyable {
        var directory: DataDirectory?
        var families: [String: ColumnFamily]
    }

    init(_ opened: consuming OpenedDatabase, _ configuration: Configuration) {
        path = opened.directory.path
        wasCleanShutdown = opened.wasClean
        storeEpoch = opened.storeEpoch
        logEpoch = opened.logEpoch
        unsafe handle = opened.handle
        events = opened.events
        syncedSequence = Atomic(unsafe spillway_db_latest_sequence(opened.handle))
        reserve = DiskReserve(path: opened.directory.path, configuration)
        self.configuration = configuration
        let families = opened.families
        state = Mutex(State(directory: opened.takeDirectory(), families: families))
    }

    deinit {
        if state.withLock({ $0.directory != nil }) { try? close() }
    }

    /// The family of that name.
    ///
    /// - Throws: `DatabaseError` with ``DatabaseError/Code/invalidArgument`` if there is none.
    public func family(_ name: String) throws -> ColumnFamily {
        guard let family = state.withLock({ $0.families[name] }) else {
            throw DatabaseError(.invalidArgument, "there is no column family \(name)")
        }
        return family
    }

    /// What a flush or compaction has failed with: writes throw it until RocksDB has recovered; `nil` is well.
    public var backgroundFailure: DatabaseError? { events.failure }

    /// Whether RocksDB has run out of space and has not recovered yet.
    public var isOutOfSpace: Bool { events.isOutOfSpace }

    /// The names of all families, sorted.
    public var familyNames: [String] { state.withLock { $0.families.keys.sorted() } }

    /// Makes a family if it is not there; durable on return. Blocks.
    public func ensureFamily(_ options: ColumnFamily.Options) throws -> ColumnFamily {
        try state.withLock { state in
            if let family = state.families[options.name] { return family }
            guard state.directory != nil else { throw DatabaseError(.closed, "the database is closed") }
            var made: OpaquePointer?
            try unsafe options.withRaw { raw in
                var raw = unsafe raw
                return try unsafe spillway_db_create_family(handle, &raw, &made).check("make a column family")
            }
            guard let made = unsafe made else { throw DatabaseError(.failed, "no column family was made") }
            let family = unsafe ColumnFamily(name: options.name, handle: made)
            state.families[options.name] = family
            return family
        }
    }

    /// Has the next opening make a new ``storeEpoch``, however this one ends: for who is about to change rows beside the
    /// log, so that what was cached of them anywhere does not look newer.
    public func requireNewEpoch() { needsNewEpoch.store(true, ordering: .releasing) }

    /// Has programs refuse the directory that do not know a version of its format; durable on return. Blocks.
    func requireFormat(_ version: Int) throws {
        guard formatKnown.load(ordering: .relaxed) < version else { return }
        try state.withLock { try $0.directory?.requireFormat(version) }
        formatKnown.store(version, ordering: .relaxed)
    }

    /// Flushes and syncs everything, and closes. The directory then counts as closed cleanly, but after
    /// ``requireNewEpoch()``.
    ///
    /// - Throws: `DatabaseError` with ``DatabaseError/Code/busy`` while iterators or snapshots are alive: release them
    ///   first; nothing has happened then. Any other error: the database is closed, but not cleanly.
    public func close() throws {
        let count = uses.load(ordering: .acquiring)
        guard count == 0 else {
            throw DatabaseError(.busy, "\(count) iterators or snapshots are still in use: release them before closing")
        }
        try state.withLock { state in
            guard let directory = state.directory.take() else { return }
            let families = state.families
            state.families = [:]
            var failure: (any Error)?
            do {
                try syncForClose()
                for family in families.values {
                    try unsafe spillway_db_flush(handle, family.handle, true).check("flush")
                }
            } catch { failure = error }
            for family in families.values { unsafe spillway_family_free(family.handle) }
            if let error = unsafe spillway_db_close(handle).take("close"), failure == nil { failure = error }
            if let failure { throw failure }
            if !needsNewEpoch.load(ordering: .acquiring), events.failure == nil { try directory.putCleanMark() }
        }
    }

    private func syncForClose() throws { try unsafe spillway_db_sync_wal(handle).check("sync the write-ahead log") }

    /// Reads a figure off the handle; zero after the end. Closing waits for it.
    func reading(_ body: (OpaquePointer) -> UInt64) -> UInt64 {
        state.withLock { $0.directory == nil ? 0 : unsafe body(handle) }
    }

    func retainUse() { uses.add(1, ordering: .relaxed) }
    func releaseUse() { uses.subtract(1, ordering: .releasing) }
}
