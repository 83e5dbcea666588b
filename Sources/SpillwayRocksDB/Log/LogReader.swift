internal import Spillway
internal import Synchronization

/// Reads the log from the disk, for consumers behind the tail. Blocks: for threads of our own.
///
/// What was read last is kept, within a bound, and shared: groups that catch up side by side read the disk once.
final class LogReader: Sendable {
    private struct Run: Sendable {
        let log: ObjectIdentifier
        let entries: [LogEntry]
        let start: UInt64
        let end: UInt64
    }

    /// Bytes of one reading, and how many readings are kept.
    private static let runBytes = 2 << 20
    private static let keptRuns = 4

    private let database: Database
    private let runs = Mutex<[Run]>([])

    init(_ database: Database) { self.database = database }

    /// Entries from the one that holds the sequence on, only durable ones, at least one unless there is none.
    func entries(of log: TopicLog, from sequence: UInt64) throws -> [LogEntry] {
        let id = ObjectIdentifier(log)
        let kept = runs.withLock { runs in
            runs.first { $0.log == id && $0.start <= sequence && sequence < $0.end }
        }
        if let kept { return kept.entries.filter { $0.end > sequence } }
        let entries = try read(log, from: sequence)
        if let first = entries.first, let last = entries.last {
            runs.withLock { runs in
                runs.append(Run(log: id, entries: entries, start: first.base, end: last.end))
                if runs.count > Self.keptRuns { runs.removeFirst() }
            }
        }
        return entries
    }

    private func read(_ log: TopicLog, from sequence: UInt64) throws -> [LogEntry] {
        var entries: [LogEntry] = []
        var bytes = 0
        try unsafe walk(log, from: sequence) { base, value in
            unsafe entries.append(try LogEntry(base: base, bytes: [UInt8](value)))
            bytes += value.count
            return bytes < Self.runBytes
        }
        return entries.filter { $0.end > sequence }
    }

    /// Walks stored entries from the one that holds the sequence on, as long as the body says so; none that is not
    /// durable.
    func walk(
        _ log: TopicLog, from sequence: UInt64, _ body: (UInt64, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let end = log.end
        guard sequence < end else { return }
        let read = Database.ReadOptions(fillsCache: false)
        let walk = database.iterator(log.family, .init(lower: nil, upper: LogEncoding.key(of: end), read: read))
        if !walk.seek(backTo: LogEncoding.key(of: sequence)) { walk.seekToFirst() }
        while walk.isValid {
            let goesOn = try unsafe walk.withEntry { key, value in
                try unsafe body(LogEncoding.sequence(of: key), value)
            }
            guard goesOn else { return }
            walk.next()
        }
        try walk.check()
    }

    /// The sequence and the time of the first stored entry at or after a sequence.
    func firstEntry(of log: TopicLog, from sequence: UInt64) throws -> (base: UInt64, appendedAtMs: Int64)? {
        var found: (UInt64, Int64)?
        let walk = database.iterator(log.family, .init(lower: LogEncoding.key(of: sequence), upper: nil))
        walk.seekToFirst()
        if walk.isValid {
            try unsafe walk.withEntry { key, value in
                let base = unsafe LogEncoding.sequence(of: key)
                found = (base, try unsafe LogEntry.header(value, base: base).appendedAtMs)
            }
        }
        try walk.check()
        return found
    }
}
