internal import CSpillwayRocksDB

/// What every batch in the write-ahead log says of the log before it: the sequence up to which a sync had returned when
/// the batch was written.
///
/// After damage this tells what was lost: if a batch behind the hole is a witness to a sequence inside the hole, then
/// something that was durable is missing; if none is, only what was never promised. Stored as log data, which no
/// memtable sees and no sequence counts.
struct Witness {
    static let magic: [UInt8] = Array("spw:sync".utf8)

    private var bytes: (UInt64, UInt64)

    init(sequence: UInt64) {
        bytes = (0, sequence.littleEndian)
        unsafe withUnsafeMutableBytes(of: &bytes) { unsafe $0.copyBytes(from: Self.magic) }
    }

    mutating func withBytes<R>(_ body: (spillway_bytes) throws -> R) rethrows -> R {
        try unsafe withUnsafeBytes(of: &bytes) { try unsafe body(spillway_bytes($0)) }
    }
}
