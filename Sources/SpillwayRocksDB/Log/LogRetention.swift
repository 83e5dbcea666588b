internal import CSpillwayRocksDB
internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Drops the oldest files of a topic's log, by age and by size, but nothing that a group which holds retention back
/// has not durably committed.
///
/// Keys ascend, so files don't overlap: RocksDB moves them down its levels without rewriting, and a whole file goes at
/// once. What is in level 0 can't be dropped there; it is moved down soon, since one file in level 0 is enough to start
/// the move.
final class LogRetention: Sendable {
    private struct File {
        var level: Int
        var bytes: Int
        var smallest: UInt64
        var largest: UInt64
    }

    /// How far a partition was looked through for its first record at or after a sequence.
    private struct Search {
        var from: UInt64
        /// Where the record stands, or, if there was none, where the log ended then.
        var upTo: UInt64
        var isFound: Bool
    }

    private let database: Database
    private let reader: LogReader
    private let groups: GroupCoordinator
    private let configuration: EmbeddedBroker.Configuration
    private let logger: Logger
    private let searches = Mutex<[String: [Int: Search]]>([:])
    private let beforeDrop: (@Sendable () throws -> Void)?

    /// - Parameter beforeDrop: for tests: called before anything is dropped, once it is known what.
    init(
        _ database: Database, _ reader: LogReader, _ groups: GroupCoordinator,
        _ configuration: EmbeddedBroker.Configuration, _ logger: Logger,
        beforeDrop: (@Sendable () throws -> Void)? = nil
    ) {
        self.database = database
        self.reader = reader
        self.groups = groups
        self.configuration = configuration
        self.logger = logger
        self.beforeDrop = beforeDrop
    }

    /// The topic's files, oldest first.
    private func files(of log: TopicLog) -> [File] {
        database.files(of: log.family).map {
            File(
                level: $0.level, bytes: $0.byteCount, smallest: Self.sequence($0.smallestKey),
                largest: Self.sequence($0.largestKey))
        }
    }

    private static func sequence(_ key: [UInt8]) -> UInt64 { key.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }

    /// Drops what is due. Blocks.
    func run(_ log: TopicLog) throws {
        guard configuration.retentionAge != nil || configuration.retentionBytes != nil else { return }
        try flushIfOld(log)
        let files = files(of: log)
        guard !files.isEmpty else { return }
        let positions = groups.durablePositions(log)
        let held = try held(by: positions, log)
        var total = files.reduce(0) { $0 + $1.bytes }
        var cut = log.start
        var count = 0
        for (index, file) in files.enumerated() {
            guard file.level > 0 else { break }
            // Where the next file begins, or the memtable, which holds what is newer.
            let next: UInt64
            if index + 1 < files.count {
                next = files[index + 1].smallest
            } else {
                next = try reader.firstEntry(of: log, from: file.largest + 1)?.base ?? log.end
            }
            guard next <= held, try isDue(file, total, next, log) else { break }
            total -= file.bytes
            cut = next
            count += 1
        }
        guard count > 0 else { return }
        try beforeDrop?()
        // A group that was set back meanwhile, or is new: the next round asks what it needs.
        guard groups.raiseStart(of: log, to: cut, unlessHeldBelow: positions) else { return }
        try drop(log, before: cut)
        logger.info(
            "dropped old records", metadata: ["topic": "\(log.name)", "files": "\(count)", "start": "\(cut)"])
    }

    private func drop(_ log: TopicLog, before cut: UInt64) throws {
        try TopicStore.note(start: cut, end: log.end, of: log, in: database)
        let (begin, end) = (LogEncoding.key(of: 0), LogEncoding.key(of: cut))
        try unsafe begin.withUnsafeBytes { begin in
            try unsafe end.withUnsafeBytes { end in
                try unsafe spillway_db_delete_files(
                    database.handle, log.family.handle, spillway_bytes(begin), spillway_bytes(end)
                ).check("drop old records")
            }
        }
    }

    /// Due by size: what would remain still takes more than it may. Due by age: all in it is older than it may be,
    /// which the time of the entry behind it tells, and that of its own last one: a clock that was behind for a moment
    /// makes one entry look old, and drops no young file.
    private func isDue(_ file: File, _ total: Int, _ next: UInt64, _ log: TopicLog) throws -> Bool {
        if let limit = configuration.retentionBytes, total > limit { return true }
        guard let age = configuration.retentionAge else { return false }
        let limit = wallMilliseconds() - age.wholeNanoseconds / 1_000_000
        if let behind = try reader.firstEntry(of: log, from: next), behind.appendedAtMs >= limit { return false }
        return try reader.firstEntry(of: log, from: file.largest).map { $0.appendedAtMs < limit } ?? false
    }

    /// Records that are too old but in memory only are written to a file, so that it can be dropped.
    private func flushIfOld(_ log: TopicLog) throws {
        guard let age = configuration.retentionAge else { return }
        let inFiles = files(of: log).last?.largest
        guard let first = try reader.firstEntry(of: log, from: inFiles.map { $0 + 1 } ?? 0) else { return }
        if first.appendedAtMs < wallMilliseconds() - age.wholeNanoseconds / 1_000_000 {
            try database.flush(log.family)
        }
    }

    /// The sequence from which on some group still needs records.
    private func held(by positions: [ExactName: [UInt64]], _ log: TopicLog) throws -> UInt64 {
        var held = log.end
        for partitions in positions.values {
            for (partition, sequence) in partitions.enumerated() where sequence < held {
                held = min(held, try firstRecord(of: partition, from: sequence, log))
            }
        }
        return held
    }

    /// The partition's first record at or after a sequence, or the log's end: an idle partition holds nothing back.
    private func firstRecord(of partition: Int, from sequence: UInt64, _ log: TopicLog) throws -> UInt64 {
        let (newest, end) = log.withState { ($0.newest[partition], $0.end) }
        if let newest, newest < sequence { return end }
        if newest == nil && sequence >= log.openedAt { return end }
        var from = max(sequence, log.start)
        let known = searches.withLock { $0[log.name]?[partition] }
        if let known, known.from <= sequence, sequence <= known.upTo {
            if known.isFound { return known.upTo }
            // It was looked through up to an end behind the opening, and nothing came since.
            if newest == nil { return end }
            from = max(from, known.upTo)
        }
        var first: UInt64?
        try unsafe reader.walk(log, from: from) { base, value in
            var records = try LogEntryReader(LogEntry(base: base, bytes: unsafe [UInt8](value)))
            while let place = try records.next() {
                guard place.partition == partition, place.sequence >= from else { continue }
                first = place.sequence
                return false
            }
            return true
        }
        let search = Search(from: sequence, upTo: first ?? end, isFound: first != nil)
        searches.withLock { $0[log.name, default: [:]][partition] = search }
        return search.upTo
    }
}
