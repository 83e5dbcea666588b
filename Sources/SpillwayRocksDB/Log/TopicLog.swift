internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// One topic: its family, its partitions, its tail in memory, and who waits for more.
final class TopicLog: Sendable {
    let name: String
    let family: ColumnFamily
    /// The names of the partitions, made once.
    let partitions: [TopicPartition]
    /// Bytes that the tail keeps at most.
    private let tailBytes: Int
    /// The sequence behind the last record when the log was opened.
    let openedAt: UInt64
    private let state: Mutex<State>
    private let nextKeyless = Atomic<Int>(0)

    struct State {
        var epochs: LogEpochs
        /// The sequence behind the last durable record.
        var end: UInt64
        /// The sequence of the oldest record that is kept.
        var start: UInt64
        var tail: LogTail
        var waiting: [any DurableObserver] = []
        var lastAppendMs: Int64 = 0
        /// The sequence of each partition's newest record, of those that were written since the log was opened.
        var newest: [UInt64?]

        /// About how many records the partition has from a position on; exactly zero if there is none.
        func count(from position: Position, partition: Int, openedAt: UInt64) -> Int {
            let sequence = max(epochs.sequence(atOrAfter: position), start)
            if let last = newest[partition] {
                if last < sequence { return 0 }
            } else if sequence >= openedAt {
                return 0
            }
            return sequence < end ? max(1, Int(clamping: end - sequence) / newest.count) : 0
        }
    }

    init(
        name: String, source: String, partitions: Int, family: ColumnFamily, epochs: LogEpochs, start: UInt64,
        end: UInt64, tailBytes: Int
    ) {
        self.name = name
        self.family = family
        self.tailBytes = tailBytes
        self.partitions = (0..<partitions).map { TopicPartition(source: source, topic: name, partition: $0) }
        openedAt = end
        state = Mutex(
            State(
                epochs: epochs, end: end, start: start, tail: LogTail(start: end),
                newest: Array(repeating: nil, count: partitions)))
    }

    /// The partition of a message: by its key, or the next in turn.
    func partition(for key: [UInt8]?) -> Int {
        if let key { return KeyPartitioner.partition(for: key.span, of: partitions.count) }
        let next = nextKeyless.wrappingAdd(1, ordering: .relaxed).oldValue
        return Int(UInt(bitPattern: next) % UInt(partitions.count))
    }

    func receipt(_ partition: Int, _ epoch: UInt64, _ sequence: UInt64) -> SendReceipt {
        SendReceipt(
            durability: .logged, partition: partitions[partition], position: Position(high: epoch, low: sequence))
    }

    func withState<R>(_ body: (inout State) throws -> R) rethrows -> R {
        try state.withLock { state throws -> R in try body(&state) }
    }

    var end: UInt64 { state.withLock { $0.end } }
    var start: UInt64 { state.withLock { $0.start } }

    /// Remembers where each partition's newest record stands, for retention.
    func noteLast(_ indexes: [Int], base: UInt64) {
        state.withLock { state in
            for (partition, index) in indexes.enumerated() where index >= 0 {
                state.newest[partition] = base + UInt64(index)
            }
        }
    }

    /// Shows a durable entry to consumers; returns who waited for it.
    func publish(_ entry: LogEntry) -> [any DurableObserver] {
        state.withLock { state in
            state.tail.append(entry, limit: tailBytes)
            state.end = entry.end
            state.lastAppendMs = entry.appendedAtMs
            let waiting = state.waiting
            state.waiting.removeAll(keepingCapacity: true)
            return waiting
        }
    }

    /// Asks to be told once when there is a record at or after the sequence; false if there is one already.
    func observe(_ observer: any DurableObserver, from sequence: UInt64) -> Bool {
        state.withLock { state in
            guard state.end <= sequence else { return false }
            if !state.waiting.contains(where: { $0 === observer }) { state.waiting.append(observer) }
            return true
        }
    }

    /// Entries from the one that holds the sequence on, out of memory.
    ///
    /// - Returns: `nil` if the sequence is older than the tail: read the disk up to `end`.
    func tail(from sequence: UInt64, bytes: Int) -> [LogEntry]? {
        state.withLock { $0.tail.entries(from: sequence, bytes: bytes) }
    }
}

/// Told once when a topic has more that is durable.
protocol DurableObserver: AnyObject, Sendable {
    func durableAdvanced()
}

/// The newest entries of a topic, in memory, bounded in bytes.
struct LogTail: Sendable {
    private var entries = Deque<LogEntry>()
    private(set) var byteCount = 0
    /// The sequence of the first record in memory, or where the next will be.
    private(set) var start: UInt64

    init(start: UInt64) { self.start = start }

    mutating func append(_ entry: LogEntry, limit: Int) {
        entries.append(entry)
        byteCount += entry.byteCount
        // The newest entry stays whatever its size, so that consumers at the end never read the disk.
        while byteCount > limit, entries.count > 1, let oldest = entries.popFirst() {
            byteCount -= oldest.byteCount
            start = oldest.end
        }
    }

    func entries(from sequence: UInt64, bytes: Int) -> [LogEntry]? {
        guard sequence >= start else { return nil }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].end <= sequence { low = middle + 1 } else { high = middle }
        }
        var found: [LogEntry] = []
        var total = 0
        while low < entries.count, total < bytes || found.isEmpty {
            found.append(entries[low])
            total += entries[low].byteCount
            low += 1
        }
        return found
    }
}
