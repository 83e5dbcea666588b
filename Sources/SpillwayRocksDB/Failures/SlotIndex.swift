internal import Spillway

/// Finds the slots of names: open addressing with linear probing, at most half full, in a table that never grows and from
/// which nothing is taken. A record costs one look, so hashing that withstands attackers, which positions of a log are
/// not open to, would be a good part of it.
struct SlotIndex: Sendable {
    /// -1 where none is.
    private var numbers: [Int32]
    private let shift: Int

    /// Makes a table for at most so many slots.
    init(capacity: Int) {
        let bits = Int.bitWidth - max(8, 2 * capacity - 1).leadingZeroBitCount
        numbers = Array(repeating: -1, count: 1 << bits)
        shift = 64 - bits
    }

    /// The number of a name's slot, which is the next one if there is none.
    mutating func number(_ place: Int, _ position: Position, next: Int, isSame: (Int) -> Bool) -> Int {
        let mask = numbers.count - 1
        var index = Int(truncatingIfNeeded: position.mixed(with: place) >> UInt64(shift))
        while numbers[index] >= 0 {
            if isSame(Int(numbers[index])) { return Int(numbers[index]) }
            index = (index + 1) & mask
        }
        numbers[index] = Int32(truncatingIfNeeded: next)
        return next
    }
}

extension Position {
    /// A hash of a position in a place: multiplied by odd numbers without a pattern; the upper bits depend on all others.
    func mixed(with place: Int) -> UInt64 {
        var hash = low &* 0x9e37_79b9_7f4a_7c15
        hash ^= (high &+ UInt64(truncatingIfNeeded: place) &* 0xd1b5_4a32_d192_ed03) &* 0xa076_1d64_78bd_642f
        return (hash ^ hash >> 32) &* 0xe703_7ed1_a0b4_28db
    }
}

extension Dictionary<[UInt8], Int> {
    /// The number of a key, which is the next one if it has none; looked up and put in one step, since hashing a long key
    /// twice would be a good part of a call.
    mutating func number(of key: [UInt8], next: Int) -> Int {
        func value(_ number: inout Int) -> Int { number }
        return value(&self[key, default: next])
    }
}
