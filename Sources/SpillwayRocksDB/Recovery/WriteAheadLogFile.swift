internal import CSpillwayRocksDB
internal import Glibc

/// Reads one write-ahead log file of RocksDB: blocks of 32 KiB, in them fragments of records, each with a masked CRC-32C
/// (RocksDB, `db/log_format.h`).
///
/// Unlike RocksDB's own reader it goes on behind damage: it looks for the next fragment whose checksum fits, at every
/// byte, and says where the hole was.
struct WriteAheadLogFile {
    static let blockBytes = 32 << 10

    enum Item {
        /// A whole record: the bytes of a write batch.
        case record([UInt8])
        /// Bytes that are no record; `reachesEnd` if nothing valid comes behind them.
        case hole(Range<Int>, reachesEnd: Bool)
    }

    private struct Fragment {
        enum Kind { case full, first, middle, last, other }
        var kind: Kind
        var payload: Range<Int>
    }

    private let bytes: [UInt8]
    private var offset = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The next record or hole; `nil` at the end.
    mutating func next() -> Item? {
        var record: [UInt8] = []
        var start = offset
        var isInside = false
        while true {
            skipTrailer()
            guard offset < bytes.count else {
                // An unfinished record at the end: its writer was interrupted.
                return isInside ? .hole(start..<bytes.count, reachesEnd: true) : nil
            }
            guard let fragment = fragment(at: offset) else {
                // The zeros over which it would have been written next (`log_file.cc`).
                if !isInside, isZero(from: offset) { return nil }
                return hole(from: isInside ? start : offset)
            }
            if isInside && (fragment.kind == .full || fragment.kind == .first) {
                // The rest of the record before is missing.
                return .hole(start..<offset, reachesEnd: false)
            }
            let at = offset
            offset = fragment.payload.upperBound
            switch fragment.kind {
            case .full: return .record(Array(bytes[fragment.payload]))
            case .first:
                (record, start, isInside) = (Array(bytes[fragment.payload]), at, true)
            case .middle, .last:
                guard isInside else { return .hole(at..<offset, reachesEnd: false) }
                record += bytes[fragment.payload]
                if fragment.kind == .last { return .record(record) }
            case .other: break
            }
        }
    }

    private func isZero(from start: Int) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            guard unsafe bytes[start] == 0, let base = bytes.baseAddress else { return false }
            // Every byte is the one before it.
            return unsafe memcmp(base + start, base + start + 1, bytes.count - start - 1) == 0
        }
    }

    /// The last bytes of a block are zeros if no header fits.
    private mutating func skipTrailer() {
        let rest = Self.blockBytes - offset % Self.blockBytes
        if rest < 7 { offset += rest }
    }

    private mutating func hole(from start: Int) -> Item {
        var probe = possibleFragment(from: offset + 1)
        while probe < bytes.count {
            if let found = fragment(at: probe), found.kind != .other {
                offset = probe
                return .hole(start..<probe, reachesEnd: false)
            }
            probe = possibleFragment(from: probe + 1)
        }
        offset = bytes.count
        return .hole(start..<bytes.count, reachesEnd: true)
    }

    /// The next place where a fragment's type could stand behind six bytes: most of a hole is zeros.
    private func possibleFragment(from start: Int) -> Int {
        unsafe bytes.withUnsafeBytes { bytes in
            var probe = start
            while probe + 6 < bytes.count, unsafe bytes[probe + 6] &- 1 > 8 { probe += 1 }
            return probe + 6 < bytes.count ? probe : bytes.count
        }
    }

    /// The masked CRC-32C of a fragment, from its type on.
    static func checksum(of bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
        let computed = unsafe bytes.withUnsafeBytes { bytes in
            let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
            return unsafe spillway_crc32c(0, part.baseAddress, part.count)
        }
        return (computed >> 15 | computed << 17) &+ 0xa282_ead8
    }

    private func fragment(at offset: Int) -> Fragment? {
        let left = min(Self.blockBytes - offset % Self.blockBytes, bytes.count - offset)
        guard left >= 7 else { return nil }
        let type = bytes[offset + 6]
        let length = Int(bytes[offset + 4]) | Int(bytes[offset + 5]) << 8
        // 1 to 4 as first written, 5 to 8 with the log's number, for logs that are used again; 9 names a compression.
        let header = (5...8).contains(type) ? 11 : 7
        guard (1...9).contains(type), header + length <= left else { return nil }
        let stored = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
        guard stored == Self.checksum(of: bytes, (offset + 6)..<(offset + header + length)) else { return nil }
        let kind: Fragment.Kind
        switch type {
        case 1, 5: kind = .full
        case 2, 6: kind = .first
        case 3, 7: kind = .middle
        case 4, 8: kind = .last
        default: kind = .other
        }
        return Fragment(kind: kind, payload: (offset + header)..<(offset + header + length))
    }
}
