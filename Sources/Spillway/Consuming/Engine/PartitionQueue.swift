import SpillwayCore

/// The records of one partition that is handled in whole slices: fetched chunks wait in order, one batch is out at a
/// time, and a batch that failed comes again as it was.
///
/// Costs nothing per record but a check of its size: a chunk that fits is handed on as it came.
struct PartitionQueue: Sendable {
    private struct Chunk: Sendable {
        var records: [Record]
        var bytes: Int
    }

    private enum State: Sendable {
        case idle
        case running
        case parked(until: MonotonicInstant)
    }

    let start: Position
    private var chunks = Ring<Chunk>(capacity: 4)
    private var state = State.idle
    private var batch: [Record] = []
    private var batchBytes = 0
    private(set) var attempts = 0
    private var lastReceived: Position?
    private var lastFinished: Position?
    private(set) var waiting = Permits.Demand(records: 0, bytes: 0)

    init(start: Position) { self.start = start }

    /// The position after the last finished record.
    var commitPosition: Position { lastFinished?.successor ?? start }
    var isRunning: Bool {
        if case .running = state { true } else { false }
    }
    /// When the batch that failed may be tried again.
    var parkedUntil: MonotonicInstant? {
        if case .parked(let until) = state { until } else { nil }
    }
    /// How much is waiting or being handled.
    var held: Permits.Demand {
        Permits.Demand(records: waiting.records + batch.count, bytes: waiting.bytes + batchBytes)
    }
    /// What the batch that is out, or failed, counts for.
    var batchPermits: Permits.Demand { Permits.Demand(records: batch.count, bytes: batchBytes) }
    /// When the oldest record that is not finished happened.
    var oldestTimestampMs: Int64? { batch.first?.timestampMs ?? chunks.first?.records.first?.timestampMs }

    /// The oldest record that is not finished.
    var firstUnfinished: Record? { batch.first ?? chunks.first?.records.first }

    func isReady(_ now: MonotonicInstant) -> Bool {
        switch state {
        case .idle: !chunks.isEmpty
        case .running: false
        case .parked(let until): until <= now
        }
    }

    /// Takes in fetched records; returns what of them was a repeat and is dropped.
    mutating func receive(_ fetched: [Record], bytes: Int) -> Permits.Demand {
        var records = fetched
        var dropped = Permits.Demand(records: 0, bytes: 0)
        let floor = lastReceived?.successor ?? start
        if let first = fetched.first?.position, first < floor {
            records = fetched.filter { ($0.position ?? floor) >= floor }
            dropped.records = fetched.count - records.count
            dropped.bytes = bytes - records.reduce(0) { $0 + $1.byteCount }
        }
        guard !records.isEmpty else { return dropped }
        lastReceived = records.last { $0.position != nil }?.position ?? lastReceived
        let size = bytes - dropped.bytes
        waiting.records += records.count
        waiting.bytes += size
        chunks.append(Chunk(records: records, bytes: size))
        return dropped
    }

    /// The next batch: as many records as there are, up to the limits.
    mutating func take(_ limits: BatchLimits, now: MonotonicInstant) -> [Record]? {
        guard isReady(now) else { return nil }
        state = .running
        if !batch.isEmpty { return batch }
        while let chunk = chunks.popFirst() {
            let room = limits.maxRecords - batch.count
            if chunk.records.count <= room && batchBytes + chunk.bytes <= limits.maxBytes {
                batchBytes += chunk.bytes
                if batch.isEmpty { batch = chunk.records } else { batch += chunk.records }
                continue
            }
            split(chunk, room: room, maxBytes: limits.maxBytes)
            break
        }
        waiting.records -= batch.count
        waiting.bytes -= batchBytes
        attempts = 0
        return batch
    }

    /// The batch took effect; returns its permits.
    mutating func finish() -> Permits.Demand {
        precondition(isRunning, "only a batch that is out can be finished")
        if let last = batch.last(where: { $0.position != nil })?.position { lastFinished = last }
        let permits = Permits.Demand(records: batch.count, bytes: batchBytes)
        batch = []
        batchBytes = 0
        state = .idle
        return permits
    }

    /// The batch failed and comes again.
    mutating func retry(at instant: MonotonicInstant) {
        precondition(isRunning, "only a batch that is out can fail")
        attempts += 1
        state = .parked(until: instant)
    }

    /// Forgets what is not with a worker, and returns its permits.
    mutating func dropWaiting() -> Permits.Demand {
        var dropped = waiting
        waiting = Permits.Demand(records: 0, bytes: 0)
        chunks.removeAll()
        if !isRunning {
            dropped.records += batch.count
            dropped.bytes += batchBytes
            batch = []
            batchBytes = 0
            state = .idle
        }
        return dropped
    }

    private mutating func split(_ chunk: Chunk, room: Int, maxBytes: Int) {
        var count = 0
        var bytes = 0
        while count < min(room, chunk.records.count) {
            let size = chunk.records[count].byteCount
            guard batchBytes + bytes + size <= maxBytes || (batch.isEmpty && count == 0) else { break }
            bytes += size
            count += 1
        }
        batch += chunk.records[..<count]
        batchBytes += bytes
        if count < chunk.records.count {
            chunks.prepend(Chunk(records: Array(chunk.records[count...]), bytes: chunk.bytes - bytes))
        }
    }
}
