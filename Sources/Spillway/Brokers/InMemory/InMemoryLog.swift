/// The records of one partition in memory.
struct InMemoryLog: Sendable {
    private var records: [Record] = []
    private var head = 0
    private(set) var bytes = 0

    var count: Int { records.count - head }
    var firstPosition: Position? { count > 0 ? records[head].position : nil }

    mutating func append(_ record: Record) {
        records.append(record)
        bytes += record.byteCount
    }

    /// The oldest record goes; returns its size.
    mutating func dropFirst() -> Int {
        let size = records[head].byteCount
        head += 1
        bytes -= size
        if head > 1_024, head * 2 > records.count {
            records.removeFirst(head)
            head = 0
        }
        return size
    }

    /// Records from a position on, at most so many, and no more bytes than given but for the first record.
    func read(from position: Position, maxRecords: Int, maxBytes: Int) -> [Record] {
        var low = head
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if (records[middle].position ?? .start) < position { low = middle + 1 } else { high = middle }
        }
        var end = low
        var size = 0
        while end < records.count, end - low < maxRecords, size < maxBytes {
            size += records[end].byteCount
            end += 1
        }
        return Array(records[low..<end])
    }

    /// Where the first record that qualifies is.
    func firstPosition(where qualifies: (Record) -> Bool) -> Position? {
        records[head...].first(where: qualifies)?.position
    }

    /// How many records are at or after a position.
    func count(from position: Position) -> Int {
        var low = head
        var high = records.count
        while low < high {
            let middle = (low + high) / 2
            if (records[middle].position ?? .start) < position { low = middle + 1 } else { high = middle }
        }
        return records.count - low
    }
}
