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
    private let keepsBehind: Bool
    private var isBroken = false

    /// Whether something had been synced of what is damaged or stands behind the damage.
    var isSyncedDataLost: Bool { firstLost.map { $0 <= witnessed } ?? false }

    /// Whether anything at all is not as it was written.
    var isDamaged: Bool { isBroken }

    /// Reads every log file of the database. Blocks.
    ///
    /// - Parameter keepsBehind: keeps the batches behind the first hole, for salvage.
    init(database path: String, keepsBehind: Bool = false) throws {
        self.keepsBehind = keepsBehind
        guard FileSystem.isDirectory(path) else { return }
        let files = try FileSystem.names(in: path).filter { $0.hasSuffix(".log") }.sorted {
            (UInt64($0.dropLast(4)) ?? 0, $0) < (UInt64($1.dropLast(4)) ?? 0, $1)
        }
        for name in files { read(try FileSystem.read(path + "/" + name), name) }
    }

    init(files: [(name: String, bytes: [UInt8])], keepsBehind: Bool = false) {
        self.keepsBehind = keepsBehind
        for (name, bytes) in files { read(bytes, name) }
    }

    private mutating func read(_ bytes: [UInt8], _ name: String) {
        var file = WriteAheadLogFile(bytes: bytes)
        while let item = file.next() {
            switch item {
            case .hole(let range, _):
                breaks()
                holes.append(Hole(file: name, bytes: range))
            case .record(let record): take(record, name)
            }
        }
    }

    private mutating func take(_ record: [UInt8], _ name: String) {
        let summary = unsafe record.withUnsafeBytes { record in
            unsafe Witness.magic.withUnsafeBytes { magic in
                unsafe spillway_batch_inspect(spillway_bytes(record), spillway_bytes(magic))
            }
        }
        guard summary.ok else { return breaks() }
        batches += 1
        let (first, count) = (summary.sequence, summary.count)
        // A file's end may be gone without a trace; the sequences tell.
        if end > 0 && first > end { breaks() }
        // With damage before the first batch it is not known where it began: at the latest just before that batch.
        if isBroken && firstLost == nil { firstLost = max(first, 2) - 1 }
        if isBroken, keepsBehind { behind.append(record) }
        if summary.has_witness { witnessed = max(witnessed, summary.witness) }
        end = max(end, first + count)
    }

    private mutating func breaks() {
        isBroken = true
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
