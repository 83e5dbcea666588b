internal import CSpillwayRocksDB

/// Brings log files of which a loss was accepted, or in which nothing synced is missing, into a form that RocksDB opens.
/// They are made of the copies that were kept, or of themselves, so it may be cut off at any place and begun again.
///
/// Files that RocksDB has removed since stay away, and those that it needs no more it passes over by their numbers.
struct LogRepair {
    /// The directory of the copies.
    let kept: String
    /// RocksDB's directory.
    let database: String

    private var mark: String { kept + "/ALL" }

    /// What can't be read was being left out before: RocksDB may have opened the rest since, and then nothing else tells.
    var leavesOutDamage: Bool { FileSystem.exists(mark) }

    /// Ends the log behind the last batch before its first damage, so that RocksDB notices: that the end of a file is
    /// missing it doesn't see, and would go on with what stands in the next one.
    func endAtDamage(_ cut: WriteAheadLogScan.Cut) throws {
        var writer = WriteAheadLogWriter()
        for batch in try batches(of: cut.file).prefix(cut.batches) { writer.append(batch) }
        writer.appendDamage()
        try replace(cut.file, writer.bytes)
    }

    /// Leaves out what can't be read, so that RocksDB reads all the rest.
    func leaveOutDamage() throws {
        try FileSystem.writeDurably([], to: mark)
        for name in try WriteAheadLogScan.files(in: kept) {
            var writer = WriteAheadLogWriter()
            for batch in try batches(of: name) { writer.append(batch) }
            try replace(name, writer.bytes)
        }
    }

    private func batches(of name: String) throws -> [[UInt8]] {
        var file = WriteAheadLogFile(bytes: try FileSystem.read(kept + "/" + name))
        var batches: [[UInt8]] = []
        while let item = file.next() {
            guard case .record(let record) = item, WriteAheadLogScan.summary(of: record).ok else { continue }
            batches.append(record)
        }
        return batches
    }

    private func replace(_ name: String, _ bytes: [UInt8]) throws {
        guard FileSystem.exists(database + "/" + name) else { return }
        try FileSystem.writeDurably(bytes, to: database + "/" + name)
    }
}
