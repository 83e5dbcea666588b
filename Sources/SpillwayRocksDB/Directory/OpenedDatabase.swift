internal import CSpillwayRocksDB
internal import Glibc

/// A database between opening and use: what `Database` is made of.
@safe struct OpenedDatabase: ~Copyable {
    static let systemFamily = "system"

    var directory: DataDirectory
    let wasClean: Bool
    let handle: OpaquePointer
    let families: [String: ColumnFamily]
    let events: DatabaseEvents
    var storeEpoch: UInt64 = 0
    var logEpoch: UInt64 = 0

    consuming func takeDirectory() -> DataDirectory { directory }

    /// Closes what can't be used, and leaves it as not closed cleanly. RocksDB's listener goes before what it tells.
    func abandon() {
        for family in families.values { unsafe spillway_family_free(family.handle) }
        _ = unsafe spillway_db_close(handle).take("close")
        withExtendedLifetime(events) {}
    }
}

extension Database {
    /// Opens the database of a data directory. Blocks: replays the write-ahead log and flushes what it held.
    ///
    /// - Throws: `DatabaseError`. With ``DatabaseError/Code/inUse``, ``DatabaseError/Code/foreignDirectory``,
    ///   ``DatabaseError/Code/newerFormat``, ``DatabaseError/Code/notFound`` or ``DatabaseError/Code/damagedLog``
    ///   nothing in the directory has changed. With any other, as ``DatabaseError/Code/notWritable``,
    ///   ``DatabaseError/Code/corruption``, ``DatabaseError/Code/noSpace`` or ``DatabaseError/Code/ioError``, nothing that
    ///   was durable has: RocksDB may have begun files, and written what stood in the log to tables.
    public static func open(_ path: String, _ configuration: Configuration = Configuration()) throws -> Database {
        let directory = try DataDirectory.lock(path, create: configuration.createsDirectory)
        return try Database(Opening.run(directory, configuration, newLogEpoch: false), configuration)
    }

    /// Makes what ``open(_:_:)`` would make of a path if nothing is there: the directory, and the ones above it. Blocks.
    ///
    /// - Throws: `DatabaseError`.
    package static func makeDirectory(_ path: String) throws { try FileSystem.makeDirectories(path) }
}

/// The steps of opening.
///
/// The write-ahead log is read before RocksDB sees it. If something is missing in it that had been synced, the
/// directory is refused and stays as it is. If only what was never synced is damaged, RocksDB opens up to the damage
/// (mode 2), and deletes what is behind it. If nothing is damaged it opens in mode 0, which refuses what it can't read,
/// should it see damage that we don't.
enum Opening {
    /// RocksDB's numbers of its recovery modes.
    enum RecoveryMode: Int32 {
        case tolerateCorruptedTail = 0
        case pointInTime = 2
        case skipAnyCorruptedRecords = 3
    }

    /// - Parameter accepted: how to read a log of which someone has accepted the loss.
    static func run(
        _ directory: consuming DataDirectory, _ configuration: Database.Configuration,
        accepting accepted: RecoveryMode? = nil, newLogEpoch: Bool
    ) throws -> OpenedDatabase {
        let isNew = try isFirstStart(directory)
        let options = try familyOptions(directory.database, configuration, isNew: isNew)
        let events = DatabaseEvents(onFatal: configuration.onFatal)
        let mode = try accepted ?? wholeLogMode(directory.path, directory.database, options, configuration)
        let wasClean = directory.hasCleanMark || isNew
        let (handle, families) = try unsafe openRocksDB(directory.database, options, configuration, events, mode)
        var opened = unsafe OpenedDatabase(
            directory: directory, wasClean: wasClean, handle: handle, families: families, events: events)
        do {
            try opened.directory.removeCleanMark()
            // Of another log other things are derived, also where the mark of a clean end is left.
            let isNewLog = newLogEpoch || isNew
            try setEpochs(&opened, newStoreEpoch: !wasClean || isNewLog, newLogEpoch: isNewLog)
            try opened.directory.putMadeMark()
        } catch {
            opened.abandon()
            throw error
        }
        return opened
    }

    /// How to read a log in which nothing is missing that had been synced. Where something else is, the log is ended there.
    ///
    /// - Throws: ``DatabaseError/Code/damagedLog`` if something is.
    private static func wholeLogMode(
        _ path: String, _ database: String, _ options: [ColumnFamily.Options], _ configuration: Database.Configuration
    ) throws -> RecoveryMode {
        var scan = try WriteAheadLogScan(database: database)
        if scan.isSyncedDataLost {
            guard let needed = try needed(of: scan, database, options, configuration) else {
                throw damaged(path, scan.report)
            }
            scan = needed
        }
        // A gap of what was never synced: RocksDB would go on behind it, with a projection's offset but not its rows.
        if let cut = scan.cut, scan.hasBatchesBehind {
            try LogRepair(kept: database, database: database).endAtDamage(cut)
        }
        return scan.isDamaged ? .pointInTime : .tolerateCorruptedTail
    }

    /// What of a damaged log RocksDB still needs, if that is whole: then the damage is in files whose contents are in
    /// tables, and which it had not come to delete. That it finds the last change is not enough: behind a file that was
    /// cut short it goes on with the next one.
    private static func needed(
        of scan: WriteAheadLogScan, _ database: String, _ options: [ColumnFamily.Options],
        _ configuration: Database.Configuration
    ) throws -> WriteAheadLogScan? {
        guard let found = try? look(database, options, configuration, .pointInTime), found.sequence >= scan.witnessed
        else { return nil }
        let needed = try WriteAheadLogScan(database: database, from: found.firstLog)
        return needed.isSyncedDataLost ? nil : needed
    }

    /// The same for who only asks.
    static func needed(
        of scan: WriteAheadLogScan, _ database: String, _ configuration: Database.Configuration
    ) throws -> WriteAheadLogScan? {
        try needed(of: scan, database, familyOptions(database, configuration, isNew: false), configuration)
    }

    /// Whether RocksDB opens the database in a mode. Opens for reading only and changes nothing.
    ///
    /// - Throws: what it says but for ``DatabaseError/Code/corruption``, which is an answer.
    static func opens(
        _ database: String, _ configuration: Database.Configuration, _ mode: RecoveryMode
    ) throws -> Bool {
        do {
            _ = try look(database, familyOptions(database, configuration, isNew: false), configuration, mode)
            return true
        } catch let error as DatabaseError where error.code == .corruption { return false }
    }

    /// The last sequence, and the number of the first log file that RocksDB still needs. Opens for reading only and
    /// changes nothing.
    private static func look(
        _ path: String, _ options: [ColumnFamily.Options], _ configuration: Database.Configuration, _ mode: RecoveryMode
    ) throws -> (sequence: UInt64, firstLog: UInt64) {
        let events = DatabaseEvents(onFatal: configuration.onFatal)
        defer { withExtendedLifetime(events) {} }
        // None is made here.
        let names = Set(try existingFamilies(path))
        let options = options.filter { names.contains($0.name) }
        let (handle, families) = try unsafe openRocksDB(path, options, configuration, events, mode, isReadOnly: true)
        let sequence = unsafe spillway_db_latest_sequence(handle)
        var number: UInt64 = 0
        // Without the number all of them count as needed.
        if let family = families["default"] {
            _ = unsafe spillway_db_int_property(handle, family.handle, "rocksdb.min-log-number-to-keep", &number)
        }
        for family in families.values { unsafe spillway_family_free(family.handle) }
        try unsafe spillway_db_close(handle).check("close \(path)")
        return (sequence, number)
    }

    private static func damaged(_ path: String, _ report: String) -> DatabaseError {
        DatabaseError(
            .damagedLog,
            "the write-ahead log of \(path) has lost something that was durable; nothing was changed. "
                + "`spillway recover --data \(path)` says what. \(report)")
    }

    private static func familyOptions(
        _ path: String, _ configuration: Database.Configuration, isNew: Bool
    ) throws -> [ColumnFamily.Options] {
        var options: [String: ColumnFamily.Options] = [:]
        for name in ["default", OpenedDatabase.systemFamily] {
            options[name] = ColumnFamily.Options(name: name)
            options[name]?.writeBufferBytes = 4 << 20
        }
        for family in configuration.families { options[family.name] = family }
        if !isNew {
            let given = configuration.familiesIfThere
            for name in try existingFamilies(path) where options[name] == nil {
                options[name] = given.first { $0.name == name } ?? OwnFamilies.options(name) ?? .init(name: name)
            }
        }
        return options.values.sorted { $0.name < $1.name }
    }

    private static func existingFamilies(_ path: String) throws -> [String] {
        final class Names { var all: [String] = [] }
        let names = Names()
        try unsafe spillway_db_list_families(path, Unmanaged.passUnretained(names).toOpaque()) { context, name, size in
            guard let context = unsafe context, let name = unsafe name else { return }
            let text = unsafe String(decoding: UnsafeRawBufferPointer(start: name, count: size), as: UTF8.self)
            unsafe Unmanaged<Names>.fromOpaque(context).takeUnretainedValue().all.append(text)
        }.check("list the column families of \(path)")
        return names.all
    }

    private static func openRocksDB(
        _ path: String, _ options: [ColumnFamily.Options], _ configuration: Database.Configuration,
        _ events: DatabaseEvents, _ mode: RecoveryMode, isReadOnly: Bool = false
    ) throws -> (OpaquePointer, [String: ColumnFamily]) {
        var raw = unsafe spillway_db_options()
        unsafe raw.block_cache_bytes = UInt64(configuration.blockCacheBytes)
        unsafe raw.write_buffer_bytes = UInt64(configuration.memtableBytes)
        unsafe raw.max_wal_bytes = UInt64(configuration.writeAheadLogBytes)
        unsafe raw.max_open_files = Int32(configuration.maxOpenFiles)
        unsafe raw.background_jobs = Int32(configuration.backgroundJobs)
        unsafe raw.recovery_mode = mode.rawValue
        unsafe raw.create = !isReadOnly
        unsafe raw.read_only = isReadOnly
        unsafe raw.statistics = configuration.countsStatistics
        unsafe raw.context = events.context
        unsafe raw.on_event = DatabaseEvents.callback
        var handle: OpaquePointer?
        var handles = unsafe [OpaquePointer?](repeating: nil, count: options.count)
        try unsafe withRawOptions(options[...], []) { families in
            try unsafe spillway_db_open(path, &raw, families, families.count, &handle, &handles).check("open \(path)")
        }
        guard let handle = unsafe handle else { throw DatabaseError(.failed, "open \(path) gave no database") }
        var families: [String: ColumnFamily] = [:]
        for (index, option) in options.enumerated() {
            guard let family = unsafe handles[index] else { continue }
            families[option.name] = unsafe ColumnFamily(name: option.name, handle: family)
        }
        return unsafe (handle, families)
    }

    /// Nests the closures that keep each name's bytes alive.
    private static func withRawOptions<R>(
        _ options: ArraySlice<ColumnFamily.Options>, _ made: [spillway_family_options],
        _ body: ([spillway_family_options]) throws -> R
    ) throws -> R {
        guard let first = options.first else { return try unsafe body(made) }
        return try unsafe first.withRaw { raw in
            try unsafe withRawOptions(options.dropFirst(), made + [raw], body)
        }
    }
}
