/// Finds numbers by the hash of a key: open addressing with linear probing, at most half full, where removing moves
/// later entries back instead of leaving marks (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
///
/// The table keeps hashes and numbers only; whether two keys with one hash are the same is asked of the caller.
struct LaneTable: Sendable {
    private struct Slot {
        var hash: UInt64
        /// -1 in a free slot.
        var number: Int
    }

    private var slots: ContiguousArray<Slot>
    private(set) var count = 0

    init() { slots = ContiguousArray(repeating: Slot(hash: 0, number: -1), count: 64) }

    /// The number that was put in with this hash and is the one; `nil` if there is none.
    func find(_ hash: UInt64, where isSame: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].number >= 0 {
            if slots[index].hash == hash, isSame(slots[index].number) { return slots[index].number }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Where to begin to look for a hash with ``next(_:_:)``, for callers whose question would copy them into a closure.
    func start(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash) & (slots.count - 1) }

    /// The next number that was put in with this hash; `nil` if there is none any more.
    func next(_ hash: UInt64, _ index: inout Int) -> Int? {
        let mask = slots.count - 1
        while slots[index].number >= 0 {
            let slot = slots[index]
            index = (index + 1) & mask
            if slot.hash == hash { return slot.number }
        }
        return nil
    }

    mutating func insert(_ hash: UInt64, _ number: Int) {
        if (count + 1) * 2 > slots.count { grow() }
        put(hash, number)
        count += 1
    }

    mutating func remove(_ hash: UInt64, _ number: Int) {
        let mask = slots.count - 1
        var hole = Int(truncatingIfNeeded: hash) & mask
        while slots[hole].number != number {
            precondition(slots[hole].number >= 0, "only what is in the table is removed")
            hole = (hole + 1) & mask
        }
        count -= 1
        var index = hole
        while true {
            slots[hole].number = -1
            repeat {
                index = (index + 1) & mask
                if slots[index].number < 0 { return }
            } while !canMove(from: index, to: hole, mask: mask)
            slots[hole] = slots[index]
            hole = index
        }
    }

    /// True if the entry at an index may stand in an earlier hole: its home isn't behind the hole.
    private func canMove(from index: Int, to hole: Int, mask: Int) -> Bool {
        let home = Int(truncatingIfNeeded: slots[index].hash) & mask
        return ((index - home) & mask) >= ((index - hole) & mask)
    }

    private mutating func put(_ hash: UInt64, _ number: Int) {
        let mask = slots.count - 1
        var index = Int(truncatingIfNeeded: hash) & mask
        while slots[index].number >= 0 { index = (index + 1) & mask }
        slots[index] = Slot(hash: hash, number: number)
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: Slot(hash: 0, number: -1), count: old.count * 2)
        for slot in old where slot.number >= 0 { put(slot.hash, slot.number) }
    }
}
