internal import CSpillwayRocksDB

extension Database {
    /// What a damaged write-ahead log has lost.
    public struct RecoveryReport: Sendable, CustomStringConvertible {
        /// Whether the log can be opened as it is: nothing that was durable is missing.
        public var isIntact: Bool
        /// Where the damage is, and what is missing; empty lines are not in it.
        public var details: [String]
        /// Batches behind the damage that can still be read.
        public var batchesBehind: Int
        /// Entries of the log of events, deduplication tokens and settings behind the damage that were taken over;
        /// zero unless the loss was accepted.
        public var salvagedEntries: Int
        /// Where the damaged files were kept; `nil` unless the loss was accepted.
        public var keptFiles: String?
        /// Whether tables held more than the log before the damage, so that everything was kept that can be read; false
        /// unless the loss was accepted. See ``Database/recover(_:acceptLoss:_:)`` for what follows.
        public var keepsAllBehind = false

        /// Lines for people.
        public var description: String {
            var lines = details
            if isIntact {
                lines.append("nothing that was durable is missing")
            } else {
                lines.append("\(batchesBehind) batches behind the damage can still be read")
            }
            if let keptFiles {
                lines.append("\(salvagedEntries) entries were taken over from behind the damage")
                lines.append("the damaged files are kept in \(keptFiles)")
            }
            if keepsAllBehind {
                lines.append(
                    "tables held changes from behind the damage, so all batches that can be read were kept; of those "
                        + "that can't, some tables have a part and others don't: run `spillway audit --repair`, and "
                        + "restore a backup if it still finds votes of the log that have no row")
            }
            return lines.joined(separator: "\n")
        }
    }

    /// Says what a damaged log has lost; with `acceptLoss` makes a directory that opens again.
    ///
    /// What stands before the damage is kept as it was. From behind it, entries of the log of events, deduplication
    /// tokens and settings are taken over, for they depend on nothing before them; what projections wrote there is
    /// not, since they begin again from their last offset and read the log. The log and the store get new epochs.
    /// Blocks.
    ///
    /// That is not possible if the damage is in an older file of the log and some column family was written to a table
    /// since: its rows can't go back to before the damage. Then every batch that can be read is kept, a projection's
    /// too, with its offset. Of a batch that can't be read the families whose rows are in tables have their part and the
    /// others don't; projections don't come back to it, so they have to be compared with the log
    /// (``RecoveryReport/keepsAllBehind``).
    ///
    /// If it is cut off before all of it is taken over, the directory refuses to be opened until it was called again,
    /// which goes on with the files that were kept.
    ///
    /// - Throws: `DatabaseError`, as ``open(_:_:)`` but for ``DatabaseError/Code/damagedLog``, which says here that the
    ///   files which an earlier call kept are gone or changed.
    public static func recover(
        _ path: String, acceptLoss: Bool, _ configuration: Configuration = Configuration()
    ) throws -> RecoveryReport {
        try recover(path, acceptLoss: acceptLoss, configuration) { try Salvage($0).run($1) }
    }

    /// - Parameter salvage: writes the batches behind the damage again; returns how many entries. Another one in tests.
    static func recover(
        _ path: String, acceptLoss: Bool, _ configuration: Configuration,
        salvage: (Database, [[UInt8]]) throws -> Int
    ) throws -> RecoveryReport {
        let directory = try DataDirectory.lock(path, create: false, endsRecovery: true)
        let kept = try keptBefore(directory)
        // The log that RocksDB has now is whole, if an earlier call came to open it.
        let scan = try WriteAheadLogScan(database: kept ?? directory.database, keepsBehind: true)
        if let kept, !scan.isSyncedDataLost {
            throw DatabaseError(
                .damagedLog,
                "a recovery of \(directory.path) was cut off, and the log that it kept in \(kept) is gone or changed: "
                    + "put it back, or restore a backup")
        }
        let isIntact = kept == nil && !isNeededLost(scan, directory, configuration)
        var report = RecoveryReport(
            isIntact: isIntact,
            details: scan.report.split(separator: "\n").map(String.init), batchesBehind: scan.behind.count,
            salvagedEntries: 0)
        if kept != nil { report.details.insert("an earlier recovery was cut off", at: 0) }
        if isIntact, scan.isSyncedDataLost {
            report.details.append("tables hold what is damaged, so the log is not read for it any more")
        }
        guard acceptLoss, !report.isIntact else { return report }
        // What is wrong beside the log is said before anything is changed.
        guard try Opening.opens(directory.database, configuration, .skipAnyCorruptedRecords) else {
            throw DatabaseError(
                .corruption,
                "\(directory.path) can't be opened even without what is damaged in its log; nothing was changed: "
                    + "restore a backup")
        }
        let keptFiles = try kept ?? keep(directory)
        report.keptFiles = keptFiles
        let repair = LogRepair(kept: keptFiles, database: directory.database)
        if let cut = scan.cut, !repair.leavesOutDamage { try repair.endAtDamage(cut) }
        report.keepsAllBehind =
            try repair.leavesOutDamage || !Opening.opens(directory.database, configuration, .pointInTime)
        if report.keepsAllBehind { try repair.leaveOutDamage() }
        let opened = try Opening.run(
            directory, configuration, accepting: report.keepsAllBehind ? .tolerateCorruptedTail : .pointInTime,
            newLogEpoch: true)
        let database = Database(opened, configuration)
        report.salvagedEntries =
            report.keepsAllBehind ? try Salvage(database).count(scan.behind) : try salvage(database, scan.behind)
        try UnfinishedWork.unmark(database.path)
        try database.close()
        return report
    }

    /// Whether something is lost without which an opening would refuse to go on. What can't be looked at counts as needed.
    private static func isNeededLost(
        _ scan: WriteAheadLogScan, _ directory: borrowing DataDirectory, _ configuration: Configuration
    ) -> Bool {
        guard scan.isSyncedDataLost else { return false }
        return (try? Opening.needed(of: scan, directory.database, configuration)) == nil
    }

    /// Where an earlier recovery, which was cut off, has kept the damaged log; `nil` without one.
    private static func keptBefore(_ directory: borrowing DataDirectory) throws -> String? {
        guard case .recovery(let name) = try UnfinishedWork.read(directory.path) else { return nil }
        return directory.path + "/" + name
    }

    /// Copies the write-ahead log before RocksDB deletes what it can't read, and marks the directory, so that it is not
    /// used before what stands behind the damage is back in it.
    private static func keep(_ directory: borrowing DataDirectory) throws -> String {
        let name = "damaged-\(wallMilliseconds())"
        let kept = directory.path + "/" + name
        try FileSystem.makeDirectories(kept)
        for file in try FileSystem.names(in: directory.database) where file.hasSuffix(".log") {
            try FileSystem.copy(directory.database + "/" + file, to: kept + "/" + file)
        }
        try FileSystem.syncDirectory(kept)
        try FileSystem.syncDirectory(directory.path)
        try UnfinishedWork.recovery(kept: name).mark(directory.path)
        return kept
    }
}

/// Takes over what stands behind damage and depends on nothing before it.
struct Salvage {
    private let database: Database
    private let families: [UInt32: ColumnFamily]

    init(_ database: Database) throws {
        self.database = database
        var families: [UInt32: ColumnFamily] = [:]
        for name in database.familyNames {
            guard
                LogFamily.topic(of: name) != nil || name == DeduplicationTable.family
                    || name == KeyValueStore.familyName
            else { continue }
            let family = try database.family(name)
            families[unsafe spillway_family_id(family.handle)] = family
        }
        self.families = families
    }

    /// Writes the entries again; returns how many.
    func run(_ batches: [[UInt8]]) throws -> Int {
        try visit(batches) { try $0.write(to: database) }
    }

    /// How many entries there are.
    func count(_ batches: [[UInt8]]) throws -> Int { try visit(batches) { $0.batch.removeAll() } }

    private func visit(_ batches: [[UInt8]], _ end: (Target) throws -> Void) throws -> Int {
        let target = Target(families)
        for batch in batches {
            try unsafe batch.withUnsafeBytes { bytes in
                try unsafe spillway_batch_visit(
                    spillway_bytes(bytes), Unmanaged.passUnretained(target).toOpaque()
                ) { context, family, isPut, key, value in
                    guard let context = unsafe context else { return }
                    unsafe Unmanaged<Target>.fromOpaque(context).takeUnretainedValue()
                        .take(family, isPut, key.buffer, value.buffer)
                }.check("read a batch behind the damage")
            }
            if target.batch.byteCount > 8 << 20 { try end(target) }
        }
        try end(target)
        return target.count
    }

    private final class Target {
        let families: [UInt32: ColumnFamily]
        let batch = WriteBatch()
        var count = 0

        init(_ families: [UInt32: ColumnFamily]) { self.families = families }

        func take(
            _ family: UInt32, _ isPut: Bool, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
        ) {
            guard let family = families[family] else { return }
            if isPut {
                unsafe batch.put(family, key, value)
                count += 1
            } else {
                unsafe batch.delete(family, key)
            }
        }

        func write(to database: Database) throws {
            // Without it the directory stays as good as lost, and what it writes has stood in the log before.
            try database.write(batch, sync: true, mayUseReserve: true)
            batch.removeAll()
        }
    }
}
