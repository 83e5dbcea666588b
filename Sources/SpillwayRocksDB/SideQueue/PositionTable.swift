internal import Spillway

/// Finds the numbers of entries by their positions: open addressing with linear probing, at most two thirds full. The
/// positions stay where the entries are, so that a number costs six to twelve bytes when there are most. The memory goes
/// with the last one.
struct PositionTable: Sendable {
    private static let none = UInt32.max

    private var numbers: [UInt32] = []
    private var shift = 64
    private(set) var count = 0

    /// What a number's position is.
    typealias Positions = (UInt32) -> Position

    private func home(_ position: Position) -> Int { Int(truncatingIfNeeded: position.mixed(with: 0) >> UInt64(shift)) }

    /// Where a position's number is, or the free place at which the search ends.
    private func index(_ position: Position, _ positions: Positions) -> Int {
        let mask = numbers.count - 1
        var index = home(position)
        while numbers[index] != Self.none, positions(numbers[index]) != position { index = (index + 1) & mask }
        return index
    }

    func number(at position: Position, _ positions: Positions) -> UInt32? {
        guard count > 0 else { return nil }
        let number = numbers[index(position, positions)]
        return number == Self.none ? nil : number
    }

    /// Adds a number whose position is not there.
    mutating func insert(_ number: UInt32, at position: Position, _ positions: Positions) {
        if numbers.isEmpty || 3 * (count + 1) > 2 * numbers.count { grow(positions) }
        numbers[index(position, positions)] = number
        count += 1
    }

    private mutating func grow(_ positions: Positions) {
        let old = numbers
        let size = max(16, 2 * old.count)
        numbers = Array(repeating: Self.none, count: size)
        shift = 64 - size.trailingZeroBitCount
        for number in old where number != Self.none { numbers[index(positions(number), positions)] = number }
    }

    /// Takes a position's number out; `nil` if there is none.
    mutating func remove(at position: Position, _ positions: Positions) -> UInt32? {
        guard count > 0 else { return nil }
        var hole = index(position, positions)
        let number = numbers[hole]
        guard number != Self.none else { return nil }
        count -= 1
        // What was pushed on by it moves back, so that searches never meet a hole (Knuth, volume 3, 6.4, algorithm R).
        let mask = numbers.count - 1
        var next = (hole + 1) & mask
        while numbers[next] != Self.none {
            let wanted = home(positions(numbers[next]))
            if (next - wanted) & mask >= (next - hole) & mask {
                numbers[hole] = numbers[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        numbers[hole] = Self.none
        if count == 0 { numbers = [] }
        return number
    }
}
