internal import Spillway

/// What a batch changes in what is held of keys, from which the keys' summaries follow.
struct HeldChanges {
    private struct Change {
        /// What the names of the entries' partition begin with.
        let partition: [UInt8]
        /// The row of the summary.
        let row: [UInt8]
        /// What all rows of the key's entries begin with.
        let prefix: [UInt8]
        /// Positions whose stored rows go, or are put anew.
        var removed: Set<Position> = []
        /// Positions that are put, with their due times.
        var added: [Position: Int64] = [:]
    }

    private var changes: [Change] = []
    private var indexes: [[UInt8]: Int] = [:]

    /// - Parameter partition: what the names of the entry's partition begin with.
    mutating func removed(_ partition: [UInt8], _ key: [UInt8], _ position: Position) {
        let index = index(partition, key)
        changes[index].removed.insert(position)
    }

    mutating func added(_ partition: [UInt8], _ key: [UInt8], _ position: Position, dueMs: Int64) {
        let index = index(partition, key)
        changes[index].added[position] = dueMs
    }

    private mutating func index(_ partition: [UInt8], _ key: [UInt8]) -> Int {
        let row = FailureKeys.held(FailureKeys.summary, in: partition, key)
        if let index = indexes[row] { return index }
        let prefix = FailureKeys.held(in: partition, key)
        changes.append(Change(partition: partition, row: row, prefix: prefix))
        indexes[row] = changes.count - 1
        return changes.count - 1
    }

    /// Puts the keys' new summaries into the batch. Reads what is stored, which is as it was before the batch. Blocks.
    func write(into batch: WriteBatch, _ tables: FailureTables) throws {
        for change in changes {
            let stored = try tables.database.get(tables.side, change.row).map(FailureEncoding.summary)
            let records = (stored?.records ?? 0) - change.removed.count + change.added.count
            guard records > 0 else {
                batch.delete(tables.side, change.row)
                continue
            }
            var ends: (first: (Position, dueMs: Int64), last: Position)?
            if let stored { ends = try Self.left(of: stored, change, tables) }
            for (position, dueMs) in change.added {
                guard let found = ends else {
                    ends = ((position, dueMs), position)
                    continue
                }
                if position < found.first.0 { ends?.first = (position, dueMs) }
                if position > found.last { ends?.last = position }
            }
            guard let ends else {
                throw DatabaseError(.corruption, "the summary of a held key counts entries that are not there")
            }
            let summary = HeldSummary(
                records: records, first: ends.first.0, last: ends.last, dueMs: ends.first.dueMs)
            batch.put(tables.side, change.row, FailureEncoding.value(summary))
        }
    }

    /// The first and the last of the stored entries that stay; `nil` if none stays.
    private static func left(
        of stored: HeldSummary, _ change: Change, _ tables: FailureTables
    ) throws -> (first: (Position, dueMs: Int64), last: Position)? {
        guard change.removed.count < stored.records else { return nil }
        var first = (stored.first, dueMs: stored.dueMs)
        var last = stored.last
        let (losesFirst, losesLast) = (change.removed.contains(first.0), change.removed.contains(last))
        guard losesFirst || losesLast else { return (first, last) }
        let rows = tables.database.iterator(
            tables.side, .init(lower: change.prefix, upper: Database.end(ofPrefix: change.prefix)))
        func position() -> Position { unsafe rows.withKey { unsafe FailureKeys.position(endOf: $0) } }
        func row(_ position: Position) -> [UInt8] {
            var row = change.prefix
            FailureKeys.append(position, to: &row)
            return row
        }
        if losesFirst {
            rows.seek(to: row(first.0))
            while rows.isValid, change.removed.contains(position()) { rows.next() }
            try rows.check()
            guard rows.isValid else { return nil }
            let name = try FailureKeys.name(in: change.partition, position())
            first = (name.position, dueMs: try FailureEncoding.entry(rows.value, name: name).dueMs)
        }
        if losesLast {
            rows.seek(backTo: row(last))
            while rows.isValid, change.removed.contains(position()) { rows.previous() }
            try rows.check()
            guard rows.isValid else { return nil }
            last = position()
        }
        return (first, last)
    }
}
