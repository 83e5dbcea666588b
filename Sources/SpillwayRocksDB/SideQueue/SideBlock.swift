internal import Spillway

/// Delayed entries of one place that were put together and are due about the same time: one row. It is written once;
/// what has left it is named by rows of removals (``SideRemovals``), and it goes with its last entry.
///
/// Its key, in the family `side-queue`: `b`, its number (8, big endian): blocks ascend as they are written, so that they
/// cost no search for their places. Its value: a byte of the format, now 1; the length of the name of the place up to its
/// partition (2), and the name; how many entries (2); for each, by due time and position, its position (16), due time (8),
/// bytes that it counts for (4) and length of its value (4); then the values, as ``FailureEncoding`` makes them. Integers
/// are big endian.
struct SideBlock: Sendable {
    struct Item: Equatable, Sendable {
        var position: Position
        var dueMs: Int64
        /// What it counts for against the limit in bytes.
        var byteCount: UInt32
        /// Where in the row its value is.
        var start: UInt32
        var length: UInt32
    }

    static let kind = UInt8(ascii: "b")
    private static let version: UInt8 = 1
    private static let headBytes = 5
    private static let itemBytes = 32

    let number: UInt64
    /// What the names of its entries begin with.
    let place: [UInt8]
    /// At least one, by due time and position.
    let items: [Item]

    // MARK: Key

    static func key(_ number: UInt64) -> [UInt8] { SideRow.key(kind, number) }

    static func parseKey(_ key: [UInt8]) throws -> UInt64 { try SideRow.parseKey(key, kind) }

    // MARK: Value

    /// Makes what stands before the values of items of a place; says of each where its value is.
    static func makeHead(_ place: [UInt8], _ items: inout [Item], in row: inout [UInt8]) {
        row.removeAll(keepingCapacity: true)
        row.append(version)
        append(place.count - 1, to: &row)
        row.append(contentsOf: place[1...])
        append(items.count, to: &row)
        var start = UInt32(row.count + items.count * itemBytes)
        for index in items.indices {
            FailureKeys.append(items[index].position, to: &row)
            FailureKeys.append(UInt64(bitPattern: items[index].dueMs), to: &row)
            FailureKeys.append(UInt64(items[index].byteCount) << 32 | UInt64(items[index].length), to: &row)
            items[index].start = start
            start += items[index].length
        }
    }

    private static func append(_ count: Int, to row: inout [UInt8]) {
        row.append(UInt8(truncatingIfNeeded: count >> 8))
        row.append(UInt8(truncatingIfNeeded: count))
    }

    init(number: UInt64, place: [UInt8], items: [Item]) {
        self.number = number
        self.place = place
        self.items = items
    }

    /// Reads a row.
    init(number: UInt64, _ row: [UInt8]) throws {
        var reader = RowReader(row, of: .row("a block of the side queue"))
        try reader.expect(Self.version)
        let name = try (0..<reader.shortCount()).map { _ in try reader.byte() }
        let count = try reader.shortCount()
        var start = Self.headBytes + name.count + count * Self.itemBytes
        var items: [Item] = []
        items.reserveCapacity(count)
        for _ in 0..<count {
            let (position, dueMs, sizes) = (
                try reader.position(), Int64(bitPattern: try reader.word()), try reader.word()
            )
            let length = Int(sizes & 0xffff_ffff)
            guard start + length <= row.count else { throw reader.malformed() }
            items.append(
                Item(
                    position: position, dueMs: dueMs, byteCount: UInt32(sizes >> 32), start: UInt32(start),
                    length: UInt32(length)))
            start += length
        }
        guard count > 0, start == row.count else { throw reader.malformed() }
        self.init(number: number, place: [FailureKeys.name] + name, items: items)
    }
}

/// Which entries have left their blocks in one write: a row.
///
/// Its key, in the family `side-queue`: `r`, its number (8, big endian). Its value: a byte of the format, now 1; then for
/// each entry the number of its block (8) and where in the block its value is (4). Blocks and removals are numbered in one
/// sequence, and no number is used again while a row has it, or names it.
enum SideRemovals {
    static let kind = UInt8(ascii: "r")
    private static let version: UInt8 = 1

    struct Entry: Equatable, Sendable {
        var block: UInt64
        var start: UInt32
    }

    static func key(_ number: UInt64) -> [UInt8] { SideRow.key(kind, number) }

    static func parseKey(_ key: [UInt8]) throws -> UInt64 { try SideRow.parseKey(key, kind) }

    static func value(_ entries: [Entry]) -> [UInt8] {
        var value: [UInt8] = []
        value.reserveCapacity(1 + 12 * entries.count)
        value.append(version)
        for entry in entries {
            FailureKeys.append(entry.block, to: &value)
            for shift: UInt32 in [24, 16, 8, 0] { value.append(UInt8(truncatingIfNeeded: entry.start >> shift)) }
        }
        return value
    }

    static func parse(_ value: [UInt8]) throws -> [Entry] {
        var reader = RowReader(value, of: .row("removals from the side queue"))
        try reader.expect(version)
        var entries: [Entry] = []
        entries.reserveCapacity(value.count / 12)
        while reader.offset < value.count {
            let block = try reader.word()
            var start: UInt32 = 0
            for _ in 0..<4 { start = start << 8 | UInt32(try reader.byte()) }
            entries.append(Entry(block: block, start: start))
        }
        return entries
    }
}

/// A row that is found by a number.
private enum SideRow {
    static func key(_ kind: UInt8, _ number: UInt64) -> [UInt8] {
        var key = [kind]
        FailureKeys.append(number, to: &key)
        return key
    }

    static func parseKey(_ key: [UInt8], _ kind: UInt8) throws -> UInt64 {
        var reader = RowReader(key, of: .row("the key of a row of the side queue"))
        try reader.expect(kind)
        let number = try reader.word()
        try reader.end()
        return number
    }
}

extension RowReader {
    /// 2 bytes, big endian.
    fileprivate mutating func shortCount() throws -> Int { Int(try byte()) << 8 | Int(try byte()) }
}
