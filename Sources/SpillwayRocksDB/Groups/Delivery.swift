internal import Spillway
internal import SpillwayCore

/// What one member has been told, has asked for and is to get next, without I/O.
///
/// All partitions of a member are read by one walk over the log, from the least of their positions on: a batch of the
/// log holds records of all partitions, and each is looked at once.
struct Delivery: Sendable {
    struct Cursor: Sendable {
        /// The sequence of the next record to deliver.
        var next: UInt64
        let generation: UInt64
        /// Set while the partition is being given back: nothing more is delivered then.
        var revokedBy: MonotonicInstant?
    }

    /// What to do next.
    enum Step: Sendable {
        case event(SubscriptionEvent)
        /// Offer entries from this sequence on.
        case read(from: UInt64)
        /// Nothing to do before something changes; with a sequence, also when there are records from it on.
        case wait(from: UInt64?)
        /// Not before then.
        case rest(until: MonotonicInstant)
        case ended
    }

    private let log: TopicLog
    private var membership = Deque<SubscriptionEvent>()
    private var ready = Deque<RecordBatch>()
    private var cursors: [Cursor?]
    private var paused: Set<Int> = []
    private(set) var demandRecords = 0
    private(set) var demandBytes = 0
    private var isEnded = false
    /// The most records in one event.
    static let batchRecords = 4_096

    init(_ log: TopicLog) {
        self.log = log
        cursors = Array(repeating: nil, count: log.partitions.count)
    }

    // MARK: Membership

    mutating func assign(_ assignment: Assignment, from sequence: UInt64) {
        cursors[assignment.partition.partition] = Cursor(next: sequence, generation: assignment.generation)
        membership.append(.assigned([assignment]))
    }

    mutating func revoke(_ partition: Int, by deadline: MonotonicInstant) {
        dropReady(partition)
        cursors[partition]?.revokedBy = deadline
        membership.append(.revoking([log.partitions[partition]]))
    }

    mutating func lose(_ partition: Int) {
        dropReady(partition)
        cursors[partition] = nil
        membership.append(.lost([log.partitions[partition]]))
    }

    mutating func release(_ partitions: [Int]) {
        for partition in partitions where cursors.indices.contains(partition) {
            if cursors[partition]?.revokedBy != nil { cursors[partition] = nil }
        }
    }

    func lateRevocations(_ now: MonotonicInstant) -> [(partition: Int, generation: UInt64)] {
        cursors.enumerated().compactMap { partition, cursor in
            guard let cursor, let deadline = cursor.revokedBy, deadline <= now else { return nil }
            return (partition, cursor.generation)
        }
    }

    mutating func end() {
        isEnded = true
        cursors = cursors.map { _ in nil }
        ready = Deque()
        membership = Deque()
    }

    // MARK: Demand

    mutating func request(records: Int, bytes: Int) {
        // A demand without a limit must not overflow.
        demandRecords = min(demandRecords, Int.max / 2) + min(max(0, records), Int.max / 2)
        demandBytes = min(demandBytes, Int.max / 2) + min(max(0, bytes), Int.max / 2)
    }

    mutating func pause(_ partitions: [TopicPartition]) {
        for partition in partitions where cursors.indices.contains(partition.partition) {
            paused.insert(partition.partition)
            dropReady(partition.partition)
        }
    }

    mutating func resume(_ partitions: [TopicPartition]) {
        for partition in partitions { paused.remove(partition.partition) }
    }

    mutating func seek(_ partition: Int, to sequence: UInt64) {
        guard cursors.indices.contains(partition), cursors[partition] != nil else { return }
        dropReady(partition)
        cursors[partition]?.next = sequence
    }

    /// Takes back what was fetched and not handed over yet: its demand returns, and it will be read again if wanted.
    private mutating func dropReady(_ partition: Int) {
        guard !ready.isEmpty else { return }
        var kept = Deque<RecordBatch>()
        var first: UInt64?
        while let batch = ready.popFirst() {
            guard batch.partition.partition == partition else {
                kept.append(batch)
                continue
            }
            if first == nil { first = batch.records[0].position?.low }
            demandRecords += batch.records.count
            for record in batch.records { demandBytes += record.byteCount }
        }
        ready = kept
        if let first { cursors[partition]?.next = first }
    }

    // MARK: Delivering

    private func isActive(_ partition: Int) -> Bool {
        guard let cursor = cursors[partition] else { return false }
        return cursor.revokedBy == nil && !paused.contains(partition)
    }

    /// The least sequence that an active partition waits for; `nil` if there is none, or no demand.
    private var wanted: UInt64? {
        guard demandRecords > 0, demandBytes > 0 else { return nil }
        var least: UInt64?
        for (partition, cursor) in cursors.enumerated() {
            guard let cursor, isActive(partition) else { continue }
            least = min(least ?? .max, cursor.next)
        }
        return least
    }

    mutating func step(end: UInt64) -> Step {
        if isEnded { return .ended }
        if let event = membership.popFirst() { return .event(event) }
        if let batch = ready.popFirst() { return .event(.records(batch)) }
        guard let wanted else { return .wait(from: nil) }
        return wanted < end ? .read(from: wanted) : .wait(from: wanted)
    }

    /// Whether something is ready, or the end.
    var hasEvents: Bool { isEnded || !membership.isEmpty || !ready.isEmpty }

    /// What ``step(end:)`` would say if nothing were ready: to read, or to wait.
    func peek(end: UInt64) -> Step {
        guard !isEnded, let wanted else { return .wait(from: nil) }
        return wanted < end ? .read(from: wanted) : .wait(from: wanted)
    }

    /// Whether ``step(end:)`` would say to wait, and for what.
    func mustWait(end: UInt64) -> (waits: Bool, from: UInt64?) {
        if hasEvents { return (false, nil) }
        guard let wanted else { return (true, nil) }
        return (wanted >= end, wanted)
    }

    /// Takes what is wanted and fits the demand out of entries that begin at or before `from`.
    ///
    /// - Throws: `DatabaseError` with ``DatabaseError/Code/corruption``.
    mutating func offer(_ entries: [LogEntry], from: UInt64) throws {
        var batches = [[Record]](repeating: [], count: cursors.count)
        let active = cursors.indices.map { isActive($0) ? cursors[$0]?.next ?? .max : .max }
        var reached = from
        var room = Self.batchRecords
        walk: for entry in entries {
            var reader = LogEntryReader(entry)
            while let place = try reader.next() {
                let isWanted = place.partition < active.count && place.sequence >= active[place.partition]
                if isWanted {
                    guard demandRecords > 0, demandBytes > 0, room > 0 else { break walk }
                    let record = try reader.record(at: place)
                    batches[place.partition].append(record)
                    demandRecords -= 1
                    demandBytes -= record.byteCount
                    room -= 1
                }
                reached = max(reached, place.sequence + 1)
            }
            reached = max(reached, entry.end)
        }
        for (partition, records) in batches.enumerated() {
            guard let cursor = cursors[partition], isActive(partition) else { continue }
            cursors[partition]?.next = max(cursor.next, reached)
            if records.isEmpty { continue }
            ready.append(
                RecordBatch(partition: log.partitions[partition], generation: cursor.generation, records: records))
        }
    }

    /// Where the least active partition stands; for a position that retention has passed.
    mutating func skip(to start: UInt64) -> Bool {
        var isSkipping = false
        for partition in cursors.indices where isActive(partition) {
            if let cursor = cursors[partition], cursor.next < start {
                cursors[partition]?.next = start
                isSkipping = true
            }
        }
        return isSkipping
    }
}
