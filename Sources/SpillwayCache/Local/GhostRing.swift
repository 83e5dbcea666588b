/// Remembers which keys were evicted lately, as fingerprints: the ghost queue of S3-FIFO.
///
/// As the paper proposes, it is a table of fingerprints with the time of their eviction, counted in evictions: a key is in
/// the queue if its fingerprint is found and not older than the queue is long. Buckets of four; the oldest of a bucket
/// makes room. A false match (about one in a billion) only admits a key to the main queue at once.
@usableFromInline
struct GhostRing: Sendable {
    /// Fingerprint in the upper half, time in the lower.
    @usableFromInline var cells: ContiguousArray<UInt64>
    @usableFromInline var time: UInt32 = 1

    @inlinable
    init(capacity: Int) {
        cells = ContiguousArray(repeating: 0, count: capacity)
    }

    @inlinable
    func bucket(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 20) & (cells.count &- 1) & ~3 }

    @inlinable
    mutating func insert(_ hash: UInt64) {
        let first = bucket(hash)
        var oldest = first
        for cell in first..<first &+ 4 where age(cell) > age(oldest) { oldest = cell }
        cells[oldest] = hash << 32 | UInt64(time)
        time &+= 1
        if time == 0 { time = 1 }
    }

    @inlinable
    func age(_ cell: Int) -> UInt32 { cells[cell] == 0 ? .max : time &- UInt32(truncatingIfNeeded: cells[cell]) }

    /// Takes the key out; true if it was among the last `length` evictions.
    @inlinable
    mutating func remove(_ hash: UInt64, length: Int) -> Bool {
        let first = bucket(hash)
        for cell in first..<first &+ 4 where cells[cell] != 0 && cells[cell] >> 32 == hash & 0xffff_ffff {
            let found = Int(age(cell)) <= length
            cells[cell] = 0
            return found
        }
        return false
    }
}
