internal import Spillway

/// Moves what programs that knew format 1 only have left of delayed entries into blocks.
///
/// Each had two rows: `d`, the name up to its partition, due time, position, in the family `side-queue`, with the value that
/// stands in blocks now; and one in `side-names`, as held ones have, which says whether that entry counts.
struct FirstFormat {
    private typealias Row = (key: [UInt8], value: [UInt8])

    private static let kind = UInt8(ascii: "d")
    /// What is moved in one write, all or none.
    private static let (rowsOfBatch, bytesOfBatch) = (4_096, 8 << 20)

    private let database: Database
    private let side: ColumnFamily
    private let names: ColumnFamily
    private let index: SideIndex

    init(_ database: Database, side: ColumnFamily, names: ColumnFamily, _ index: SideIndex) {
        self.database = database
        self.side = side
        self.names = names
        self.index = index
    }

    /// - Parameter number: gives the next block its number.
    func move(_ number: () -> UInt64) throws {
        var start = [Self.kind]
        while true {
            let rows = try read(from: start)
            guard let last = rows.last else { return }
            // Behind what is moved, whose marks are not stepped over again.
            start = last.key + [0]
            try database.requireFormat(DataDirectory.blocksFormat)
            try move(rows, number)
        }
    }

    private func read(from start: [UInt8]) throws -> [Row] {
        let walk = database.iterator(side, .init(lower: start, upper: Database.end(ofPrefix: [Self.kind])))
        var (rows, bytes): ([Row], Int) = ([], 0)
        walk.seekToFirst()
        while walk.isValid, rows.count < Self.rowsOfBatch, bytes < Self.bytesOfBatch {
            rows.append((walk.key, walk.value))
            bytes += rows.last?.value.count ?? 0
            walk.next()
        }
        try walk.check()
        return rows
    }

    /// Moves rows, which are sorted by place, due time and position, all or none.
    private func move(_ rows: [Row], _ number: () -> UInt64) throws {
        let batch = WriteBatch()
        var rest = rows[...]
        var moved = SideIndex.Change()
        while let first = rest.first {
            let place = try Self.place(of: first.key)
            var builder = SideBlockBuilder(batch, side, place: place)
            while let row = rest.first, try Self.place(of: row.key) == place {
                try move(row, place, into: &builder, batch, number)
                rest.removeFirst()
            }
            builder.finish(number: number)
            moved.places.append(SideIndex.PlaceChange(place: index.place(place), blocks: builder.blocks))
        }
        try database.append(batch)
        _ = index.apply(moved)
    }

    private func move(
        _ row: Row, _ place: [UInt8], into builder: inout SideBlockBuilder, _ batch: WriteBatch, _ number: () -> UInt64
    ) throws {
        batch.delete(side, row.key)
        let position = unsafe row.key.withUnsafeBytes { unsafe FailureKeys.position(endOf: $0) }
        let entry = try FailureEncoding.entry(row.value, name: FailureKeys.name(in: place, position))
        // After an accepted loss an entry may stand here that has gone elsewhere since.
        let name = place + row.key.suffix(FailureKeys.positionBytes)
        guard let location = try database.get(names, name).map(FailureEncoding.location), location.mode == .delayed,
            location.dueMs == entry.dueMs
        else { return }
        batch.delete(names, name)
        builder.add(
            position, dueMs: entry.dueMs, byteCount: entry.byteCount, row.value[...], number: number)
    }

    /// What the names of the place of a row begin with.
    private static func place(of key: [UInt8]) throws -> [UInt8] {
        guard key.count > 8 + FailureKeys.positionBytes else {
            throw DatabaseError(.corruption, "the key of a delayed entry is malformed")
        }
        return [FailureKeys.name] + key[1..<(key.count - 8 - FailureKeys.positionBytes)]
    }
}
