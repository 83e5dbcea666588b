internal import Spillway
internal import Synchronization

/// Reads entries out of their blocks, and keeps blocks that were read: what is due next stands in many of them, a few
/// entries in each.
final class SideBlockCache: Sendable {
    private struct Blocks: Sendable {
        var numbers: [UInt64] = []
        var rows: [[UInt8]] = []
        var places: [UInt64: Int] = [:]
        var bytes = 0
        private var random: UInt64 = 0x9e37_79b9_7f4a_7c15

        func find(_ number: UInt64) -> [UInt8]? { places[number].map { rows[$0] } }

        /// Makes room by chance: whoever goes round all blocks again and again would find none with any order of age.
        mutating func insert(_ number: UInt64, _ row: [UInt8], limit: Int) {
            guard row.count <= limit, places[number] == nil else { return }
            while bytes + row.count > limit { remove(numbers[Int(nextRandom() % UInt64(numbers.count))]) }
            places[number] = rows.count
            numbers.append(number)
            rows.append(row)
            bytes += row.count
        }

        /// Marsaglia's xorshift64.
        private mutating func nextRandom() -> UInt64 {
            random ^= random << 13
            random ^= random >> 7
            random ^= random << 17
            return random
        }

        mutating func remove(_ number: UInt64) {
            guard let place = places.removeValue(forKey: number) else { return }
            bytes -= rows[place].count
            let last = rows.count - 1
            if place != last {
                (numbers[place], rows[place]) = (numbers[last], rows[last])
                places[numbers[place]] = place
            }
            numbers.removeLast()
            rows.removeLast()
        }
    }

    private let database: Database
    private let family: ColumnFamily
    private let limit: Int
    private let blocks = Mutex(Blocks())

    /// - Parameter limit: the bytes that are kept.
    init(_ database: Database, _ family: ColumnFamily, limit: Int) {
        self.database = database
        self.family = family
        self.limit = limit
    }

    /// The values of entries, one behind the other; `nil` if the block of one is not there any more. Blocks.
    func values(_ references: [SideIndex.Reference]) throws -> [UInt8]? {
        var rows = blocks.withLock { blocks in references.map { blocks.find($0.block) } }
        guard try load(&rows, references) else { return nil }
        var values: [UInt8] = []
        values.reserveCapacity(references.reduce(0) { $0 + Int($1.length) })
        for (reference, row) in zip(references, rows) {
            let (start, end) = (Int(reference.start), Int(reference.start) + Int(reference.length))
            guard let row, end <= row.count else {
                throw DatabaseError(.corruption, "a block of the side queue is shorter than it was")
            }
            values.append(contentsOf: row[start..<end])
        }
        return values
    }

    /// Reads the blocks that are missing; returns whether all of them are there.
    private func load(_ rows: inout [[UInt8]?], _ references: [SideIndex.Reference]) throws -> Bool {
        var keys = KeyBatch()
        var indexes: [UInt64: Int] = [:]
        var missing: [UInt64] = []
        for (index, reference) in references.enumerated() where rows[index] == nil && indexes[reference.block] == nil {
            indexes[reference.block] = missing.count
            missing.append(reference.block)
            keys.append(SideBlock.key(reference.block))
        }
        guard !missing.isEmpty else { return true }
        var found: [[UInt8]?] = []
        try unsafe database.multiGet(family, keys) { _, value in
            found.append(unsafe value.map { unsafe [UInt8]($0) })
        }
        for index in rows.indices where rows[index] == nil {
            rows[index] = indexes[references[index].block].flatMap { found[$0] }
        }
        blocks.withLock { blocks in
            for case (let number, let row?) in zip(missing, found) { blocks.insert(number, row, limit: limit) }
        }
        return !found.contains { $0 == nil }
    }

    /// Forgets blocks that have gone. One that is being read just now may stay for a while.
    func remove(_ numbers: [UInt64]) {
        guard !numbers.isEmpty else { return }
        blocks.withLock { blocks in for number in numbers { blocks.remove(number) } }
    }
}
