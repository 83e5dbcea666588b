/// Finds a slot by its key's hash: open addressing with linear probing over 8-byte cells, which hold 32 bits of the hash
/// and the slot's number. Deletion shifts back instead of leaving marks, so probes stay short for ever.
@usableFromInline
struct SlotIndex: Sendable {
    /// Hash bits in the upper half, the slot's number plus one in the lower; zero is empty.
    @usableFromInline var cells: ContiguousArray<UInt64>
    @usableFromInline var count = 0

    @inlinable var mask: Int { cells.count &- 1 }

    @inlinable
    init() {
        cells = ContiguousArray(repeating: 0, count: 64)
    }

    @inlinable
    static func tag(_ hash: UInt64) -> UInt64 { hash & 0xffff_ffff }

    /// The slot for which `matches` says yes, or -1.
    @inlinable
    func find(_ hash: UInt64, matches: (Int) -> Bool) -> Int {
        let tag = Self.tag(hash)
        var cell = Int(truncatingIfNeeded: tag) & mask
        while cells[cell] != 0 {
            if cells[cell] >> 32 == tag {
                let slot = Int(truncatingIfNeeded: cells[cell] & 0xffff_ffff) &- 1
                if matches(slot) { return slot }
            }
            cell = (cell &+ 1) & mask
        }
        return -1
    }

    /// Adds a slot that is not there; true if the index grew for it.
    @inlinable
    mutating func insert(_ hash: UInt64, slot: Int) -> Bool {
        let grows = (count &+ 1) &* 4 > cells.count &* 3
        if grows { grow() }
        place(Self.tag(hash) << 32 | UInt64(truncatingIfNeeded: slot &+ 1))
        count &+= 1
        return grows
    }

    @inlinable
    mutating func place(_ entry: UInt64) {
        var cell = Int(truncatingIfNeeded: entry >> 32) & mask
        while cells[cell] != 0 { cell = (cell &+ 1) & mask }
        cells[cell] = entry
    }

    @inlinable
    mutating func grow() {
        let old = cells
        cells = ContiguousArray(repeating: 0, count: old.count &* 2)
        for entry in old where entry != 0 { place(entry) }
    }

    /// Removes a slot that is there.
    @inlinable
    mutating func remove(_ hash: UInt64, slot: Int) {
        let entry = Self.tag(hash) << 32 | UInt64(truncatingIfNeeded: slot &+ 1)
        var hole = Int(truncatingIfNeeded: entry >> 32) & mask
        while cells[hole] != entry {
            precondition(cells[hole] != 0, "the slot is not in the index")
            hole = (hole &+ 1) & mask
        }
        var next = (hole &+ 1) & mask
        while cells[next] != 0 {
            let home = Int(truncatingIfNeeded: cells[next] >> 32) & mask
            // An entry may move back into the hole only if that is not before its home.
            if (next &- home) & mask >= (next &- hole) & mask {
                cells[hole] = cells[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        cells[hole] = 0
        count &-= 1
    }
}
