import SpillwayCore

/// The records of one partition in memory.
struct InMemoryLog: Sendable {
    private var records = Deque<Record>()
    private(set) var bytes = 0

    var count: Int { records.count }
    var firstPosition: Position? { records.first?.position }

    mutating func append(_ record: Record) {
        records.append(record)
        bytes += record.byteCount
    }

    /// The oldest record goes; returns its size.
    mutating func dropFirst() -> Int {
        guard let first = records.popFirst() else { preconditionFailure("only a log with records drops one") }
        bytes -= first.byteCount
        return first.byteCount
    }

    /// Records from a position on, at most so many, and no more bytes than given but for the first record.
    func read(from position: Position, maxRecords: Int, maxBytes: Int) -> [Record] {
        var found: [Record] = []
        var size = 0
        var next = index(of: position)
        while next < records.count, found.count < maxRecords, size < maxBytes {
            let record = records[next]
            size += record.byteCount
            found.append(record)
            next += 1
        }
        return found
    }

    /// Where the first record that qualifies is.
    func firstPosition(where qualifies: (Record) -> Bool) -> Position? {
        for index in 0..<records.count {
            let record = records[index]
            if qualifies(record) { return record.position }
        }
        return nil
    }

    /// How many records are at or after a position.
    func count(from position: Position) -> Int { records.count - index(of: position) }

    /// The place of the first record at or after a position.
    private func index(of position: Position) -> Int {
        var low = 0
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if (records[middle].position ?? .start) < position { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
