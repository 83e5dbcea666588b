internal import Spillway

/// Reads a log once from given positions to what was its end when the reading began.
struct LogReplay {
    private let log: TopicLog
    private let end: UInt64
    /// Per partition the sequence from which records are wanted.
    private let starts: [UInt64]
    private(set) var next: UInt64?

    init(_ log: TopicLog, from positions: [Int: Position]) {
        self.log = log
        let (end, first, epochs) = log.withState { ($0.end, $0.start, $0.epochs) }
        self.end = end
        starts = log.partitions.indices.map { partition in
            positions[partition].map { max(first, epochs.sequence(atOrAfter: $0)) } ?? .max
        }
        next = starts.min().flatMap { $0 < end ? $0 : nil }
    }

    /// Hands over what is wanted of the entries; false at the end.
    mutating func take(_ entries: [LogEntry], _ body: (RecordBatch) throws -> Void) throws -> Bool {
        guard let last = entries.last else { return false }
        for entry in entries {
            var batches = [[Record]](repeating: [], count: starts.count)
            var reader = LogEntryReader(entry)
            while let place = try reader.next() {
                guard place.sequence < end, place.partition < starts.count,
                    place.sequence >= starts[place.partition]
                else { continue }
                batches[place.partition].append(try reader.record(at: place))
            }
            for (partition, records) in batches.enumerated() where !records.isEmpty {
                try body(RecordBatch(partition: log.partitions[partition], generation: 0, records: records))
            }
        }
        next = last.end < end ? last.end : nil
        return next != nil
    }
}
