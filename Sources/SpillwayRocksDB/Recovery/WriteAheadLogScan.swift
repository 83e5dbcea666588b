internal import CSpillwayRocksDB

/// What stands in a database's write-ahead log, file after file, and whether something durable is missing in it.
///
/// A power loss may leave holes where nothing was synced yet: pages of zeros, a torn end. That is no loss of anything
/// acknowledged, and such a log opens, up to the hole. Damage to what had been synced is another thing, and the batches
/// behind it tell: each is a ``Witness`` to the sequence up to which a sync had returned when it was written.
struct WriteAheadLogScan: Sendable {
    struct Hole: Sendable {
        var file: String
        var bytes: Range<Int>
    }

    /// Where a log ends that is read up to its first damage: in a file, behind so many of its batches.
    struct Cut: Sendable {
        var file: String
        var batches: Int
    }

    private(set) var holes: [Hole] = []
    /// The first sequence that is lost if the log is opened up to its first damage: of a change that is missing, or
    /// that stands behind the damage. `nil` without damage, and if nothing tells where it begins.
    private(set) var firstLost: UInt64?
    /// The greatest sequence that a batch says was synced.
    private(set) var witnessed: UInt64 = 0
    /// The sequence behind the last change that was found.
    private(set) var end: UInt64 = 0
    /// Batches that stand behind the first hole, as they are in the log.
    private(set) var behind: [[UInt8]] = []
    private(set) var batches = 0
    /// Whether batches stand behind the first damage.
    private(set) var hasBatchesBehind = false
    /// Where the first damage is; `nil` without any.
    private(set) var cut: Cut?
    /// Behind the last batch that was found.
    private var place: Cut?
    private let keepsBehind: Bool

    /// Whether something had been synced of what is damaged or stands behind the damage.
    var isSyncedDataLost: Bool { firstLost.map { $0 <= witnessed } ?? false }

    /// Whether anything at all is not as it was written.
    var isDamaged: Bool { cut != nil }

    /// Reads every log file of the database. Blocks.
    ///
    /// - Parameters:
    ///   - number: of the first file to read; default all of them.
    ///   - keepsBehind: keeps the batches behind the first hole, for salvage.
    init(database path: String, from number: UInt64 = 0, keepsBehind: Bool = false) throws {
        self.keepsBehind = keepsBehind
        for name in try Self.files(in: path) where Self.number(of: name) >= number {
            read(try FileSystem.read(path + "/" + name), name)
        }
    }

    /// The names of the log files, in their order; none where there is no directory.
    static func files(in path: String) throws -> [String] {
        guard FileSystem.isDirectory(path) else { return [] }
        return try FileSystem.names(in: path).filter { $0.hasSuffix(".log") }.sorted {
            (number(of: $0), $0) < (number(of: $1), $1)
        }
    }

    private static func number(of name: String) -> UInt64 { UInt64(name.dropLast(4)) ?? 0 }

    init(files: [(name: String, bytes: [UInt8])], keepsBehind: Bool = false) {
        self.keepsBehind = keepsBehind
        for (name, bytes) in files { read(bytes, name) }
    }

    private mutating func read(_ bytes: [UInt8], _ name: String) {
        var file = WriteAheadLogFile(bytes: bytes)
        while let item = file.next() {
            switch item {
            case .hole(let range, _):
                breaks(in: name)
                holes.append(Hole(file: name, bytes: range))
            case .record(let record): take(record, name)
            }
        }
    }

    private mutating func take(_ record: [UInt8], _ name: String) {
        let summary = Self.summary(of: record)
        guard summary.ok else { return breaks(in: name) }
        batches += 1
        let (first, count) = (summary.sequence, summary.count)
        // A file's end may be gone without a trace; the sequences tell.
        if end > 0 && first > end { breaks(in: place?.file ?? name) }
        // With damage before the first batch it is not known where it began: at the latest just before that batch.
        if isDamaged {
            if firstLost == nil { firstLost = max(first, 2) - 1 }
            hasBatchesBehind = true
            if keepsBehind { behind.append(record) }
        }
        if summary.has_witness { witnessed = max(witnessed, summary.witness) }
        end = max(end, first + count)
        place = Cut(file: name, batches: (place?.file == name ? place?.batches ?? 0 : 0) + 1)
    }

    /// What the bytes of a record say as a batch.
    static func summary(of record: [UInt8]) -> spillway_batch_summary {
        unsafe record.withUnsafeBytes { record in
            unsafe Witness.magic.withUnsafeBytes { magic in
                unsafe spillway_batch_inspect(spillway_bytes(record), spillway_bytes(magic))
            }
        }
    }

    /// - Parameter name: the file that is damaged; where an end is missing, the one that lacks it.
    private mutating func breaks(in name: String) {
        if cut == nil { cut = Cut(file: name, batches: place?.file == name ? place?.batches ?? 0 : 0) }
        if firstLost == nil && end > 0 { firstLost = end }
    }

    /// What to tell a person.
    var report: String {
        var lines: [String] = []
        for hole in holes {
            lines.append("\(hole.file): bytes \(hole.bytes.lowerBound) to \(hole.bytes.upperBound) are no record")
        }
        if let firstLost {
            lines.append(
                "from change \(firstLost) on the log can't be read in order; up to \(witnessed) it had been synced")
        }
        return lines.joined(separator: "\n")
    }
}
