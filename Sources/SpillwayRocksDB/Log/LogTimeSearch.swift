internal import Spillway

/// Finds the first record of each partition whose time is at or after a moment, by walking the log once: times need not
/// ascend, so nothing can be left out. It looks at the heads of records only.
struct LogTimeSearch: Sendable {
    /// Bytes of one step, so that the thread that reads has time for others in between.
    private static let stepBytes = 16 << 20

    private let time: Int64
    private let start: UInt64
    private let end: UInt64
    private let endPosition: Position
    private var found: [Position?]
    private var missing: Int
    /// The sequence to go on from; `nil` when nothing is left to look at.
    private(set) var next: UInt64?

    init(_ log: TopicLog, atOrAfterMs time: Int64) {
        self.time = time
        (start, end, endPosition) = log.withState {
            ($0.start, $0.end, Position(high: $0.epochs.current, low: $0.end))
        }
        found = Array(repeating: nil, count: log.partitions.count)
        missing = log.partitions.count
        next = start < end ? start : nil
    }

    /// What was found; where nothing was, the end as it was when the search began.
    func positions(_ log: TopicLog) -> [TopicPartition: Position] {
        Dictionary(uniqueKeysWithValues: zip(log.partitions, found).map { ($0, $1 ?? endPosition) })
    }

    /// Looks at the next entries. Blocks.
    ///
    /// - Throws: `DatabaseError` with ``DatabaseError/Code/corruption``.
    mutating func step(from sequence: UInt64, _ reader: LogReader, _ log: TopicLog) throws {
        var bytes = 0
        var reached = end
        try unsafe reader.walk(log, from: sequence) { base, value in
            guard base < end, missing > 0 else { return false }
            guard bytes < Self.stepBytes else {
                reached = base
                return false
            }
            bytes += value.count
            try unsafe look(at: value, base: base)
            return true
        }
        next = missing > 0 && reached < end ? reached : nil
    }

    private mutating func look(at entry: UnsafeRawBufferPointer, base: UInt64) throws {
        let (count, _, epoch) = try unsafe LogEntry.header(entry, base: base)
        var offset = LogEncoding.headerBytes
        for index in 0..<count {
            guard entry.count - offset >= LogEncoding.recordHeadBytes - 4 else { throw malformed(base, offset) }
            let word = unsafe UInt64(littleEndian: entry.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let stamp = unsafe Int64(littleEndian: entry.loadUnaligned(fromByteOffset: offset + 8, as: Int64.self))
            let (length, partition) = (Int(word & 0xffff_ffff), Int(word >> 32 & 0xffff))
            guard length >= 12, length <= entry.count - offset - 4, partition < found.count else {
                throw malformed(base, offset)
            }
            offset += 4 + length
            let sequence = base + UInt64(index)
            guard stamp >= time, found[partition] == nil, sequence >= start, sequence < end else { continue }
            found[partition] = Position(high: epoch, low: sequence)
            missing -= 1
        }
    }

    private func malformed(_ base: UInt64, _ offset: Int) -> DatabaseError {
        DatabaseError(.corruption, "the log's entry at \(base) is malformed at byte \(offset)")
    }
}
