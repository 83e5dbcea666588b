internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Group commit: one thread that writes everything which was sent while its last sync ran, and syncs once for all of it.
///
/// A send appends its record to the pending batch of its topic, under a short lock, and wakes the writer if it sleeps;
/// no timer delays a lone one, and when many send at once the writer waits a moment for more (``GroupGathering``). The writer puts each batch into RocksDB as one entry, unsynced, and then syncs the write-ahead
/// log by itself: `SyncWAL` holds no lock that writes need, whereas a write with `sync` makes every other write, the
/// projections' too, queue behind its fsync. What RocksDB has taken but no sync has covered is visible in it, so
/// consumers never look there: they see what the writer publishes, after the sync.
///
/// The waiters are handed back to their event loops, all those of a loop with one call.
final class LogWriter: Sendable {
    private let database: Database
    private let deduplication: DeduplicationTable
    private let metrics: LogMetrics
    private let queue: Monitor<LogQueue>
    private let thread = Mutex<NativeThread?>(nil)
    /// How long after the last send what is not synced is synced.
    private let idleSyncDelay: Duration

    init(
        _ database: Database, _ deduplication: DeduplicationTable, _ metrics: LogMetrics, limits: LogQueue.Limits,
        idleSyncDelay: Duration
    ) {
        self.database = database
        self.deduplication = deduplication
        self.metrics = metrics
        self.idleSyncDelay = idleSyncDelay
        queue = Monitor(LogQueue(limits))
    }

    func start() {
        // It mostly sleeps, several times in each sync, and everyone waits for it: on two cores the scheduler would put it
        // behind the loop that woke it, for milliseconds. Needs a privilege; without, it takes its turn.
        thread.withLock { $0 = NativeThread(name: "log-writer", nice: -19) { [self] in run() } }
        database.unsynced.observe { [queue] in
            queue.withLock { $0.isPoked = true }
            queue.signal()
        }
    }

    /// Refuses new sends, writes what waits, ends the thread. Blocks.
    func close() {
        database.unsynced.observe(nil)
        queue.withLock { $0.isClosed = true }
        queue.signal()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }

    var pending: (records: Int, bytes: Int) { queue.withLock { ($0.records, $0.bytes) } }

    /// Takes messages in; returns why not, and then the completion will not be called.
    func enqueue(
        _ messages: [Message], partitions: [Int], to log: TopicLog, _ token: TokenWrite?, _ completion: SendCompletion
    ) -> BrokerError? {
        var bytes = 0
        for message in messages { bytes += LogEncoding.bound(message) }
        return enqueue(records: messages.count, bytes: bytes, log, token, completion) { queue, index in
            for (message, partition) in zip(messages, partitions) {
                queue.append(
                    message, partition: partition, timestampMs: message.timestampMs ?? wallMilliseconds(), to: index)
            }
        }
    }

    /// Takes one message in; returns why not, and then the completion will not be called.
    func enqueue(
        _ message: Message, partition: Int, to log: TopicLog, _ token: TokenWrite?, _ completion: SendCompletion
    ) -> BrokerError? {
        let timestamp = message.timestampMs ?? wallMilliseconds()
        return enqueue(records: 1, bytes: LogEncoding.bound(message), log, token, completion) { queue, index in
            queue.append(message, partition: partition, timestampMs: timestamp, to: index)
        }
    }

    @inline(__always)
    private func enqueue(
        records: Int, bytes: Int, _ log: TopicLog, _ token: TokenWrite?, _ completion: SendCompletion,
        _ append: (inout LogQueue, Int) -> Void
    ) -> BrokerError? {
        if database.reserve.level != .normal { return Self.storageFull }
        let loop = EventLoop.current
        var wakes = false
        let refusal: BrokerError? = queue.withLock { queue in
            if let refusal = queue.refusal(records: records, bytes: bytes) { return refusal }
            let index = queue.openBatch(for: log, now: monotonicNanoseconds)
            let waiter = Waiter(completion: completion, index: queue.count(of: index), loop: loop)
            append(&queue, index)
            queue.append(waiter, token, to: index)
            wakes = queue.takeSignal()
            return nil
        }
        // After the unlock, so that the writer doesn't wake only to wait for the lock.
        if wakes { queue.signal() }
        return refusal
    }

    private static let storageFull = BrokerError(
        .storageFull, "the disk is nearly full: free some space", isRetriable: true)

    // MARK: The thread

    private enum Work {
        case batches([PendingBatch])
        case poked
        case stop
    }

    private func run() {
        let batch = WriteBatch(reservingBytes: 1 << 16)
        var idle = IdleSync(delay: idleSyncDelay)
        var gathering = GroupGathering()
        while true {
            let now = MonotonicInstant(nanoseconds: monotonicNanoseconds())
            let deadline = idle.deadline(now, hasUnsynced: database.hasUnsynced)
            // Parked: from here on whoever writes something unsynced wakes this thread.
            if deadline == .distantFuture, database.unsynced.park(database.hasUnsynced) { continue }
            switch nextWork(until: deadline, gathering) {
            case .batches(let batches):
                write(batches, batch, &gathering)
                idle.sent(MonotonicInstant(nanoseconds: monotonicNanoseconds()), database.durableSequence)
            case .poked: break
            case .stop: return stop(batch)
            case nil: syncIdle(batch, &idle)
            }
        }
    }

    /// Waits for sends, and then until as many as ``GroupGathering`` wants have gathered or its patience ends.
    private func nextWork(until deadline: MonotonicInstant, _ gathering: GroupGathering) -> Work? {
        guard wait(until: deadline, sends: 1, { $0.sends > 0 || $0.isClosed || $0.isPoked }) else { return nil }
        if gathering.wanted > 1 {
            let patience = MonotonicInstant(nanoseconds: monotonicNanoseconds() + GroupGathering.patience)
            wait(until: patience, sends: gathering.wanted) { queue in
                queue.sends >= gathering.wanted || queue.sends == 0 || queue.isClosed
            }
        }
        return queue.withLock { queue in
            if !queue.batches.isEmpty { return .batches(queue.takeAll()) }
            if queue.isClosed { return .stop }
            queue.isPoked = false
            return .poked
        }
    }

    /// Waits until the queue is as wanted; senders signal from so many sends on. False if the deadline passed first.
    @discardableResult
    private func wait(until deadline: MonotonicInstant, sends: Int, _ isReady: (LogQueue) -> Bool) -> Bool {
        queue.wait(until: deadline) { queue -> Bool? in
            let isDone = isReady(queue)
            queue.signalsAt = isDone ? nil : sends
            return isDone ? true : nil
        } ?? false
    }

    private func stop(_ batch: WriteBatch) {
        var idle = IdleSync(delay: .zero)
        syncIdle(batch, &idle)
    }

    /// Writes one more witness, so that the last durable batch has one behind it, and syncs that and whatever else was
    /// written since.
    ///
    /// Only a sync that fails ends the log. From a flush that found no room RocksDB recovers by itself; until then it
    /// takes no witness, and one is tried again later.
    private func syncIdle(_ batch: WriteBatch, _ idle: inout IdleSync) {
        let attested = database.durableSequence
        var hasWitness = appendWitness(batch)
        do {
            if hasWitness || database.hasUnsynced { try timedSync() }
        } catch {
            hasWitness = false
            fail(error)
        }
        if hasWitness {
            idle.synced(attested)
        } else {
            idle.postpone(MonotonicInstant(nanoseconds: monotonicNanoseconds()))
        }
    }

    private func appendWitness(_ batch: WriteBatch) -> Bool {
        guard database.reserve.level == .normal, database.events.failure == nil else { return false }
        batch.removeAll()
        return (try? database.append(batch)) != nil
    }

    private func timedSync() throws {
        let start = monotonicNanoseconds()
        try database.sync()
        metrics.sync.recordNanoseconds(Int64(monotonicNanoseconds() - start))
    }

    private func write(_ batches: consuming [PendingBatch], _ batch: WriteBatch, _ gathering: inout GroupGathering) {
        var batches = batches
        var records = 0
        var bytes = 0
        var sends = 0
        for pending in batches {
            records += pending.count
            sends += pending.waiters.count
            bytes += pending.bytes.count - LogEncoding.headerBytes
        }
        defer { queue.withLock { $0.finished(records: records, bytes: bytes) } }
        guard database.reserve.level == .normal else { return refuse(batches, Self.storageFull) }
        let entries: [LogEntry]
        do { entries = try append(&batches, batch) } catch {
            return refuse(batches, Self.refusal(error))
        }
        do {
            try timedSync()
            gathering.wrote(sends: sends, queued: queue.withLock { $0.sends })
        } catch {
            fail(error)
            return refuse(
                batches, BrokerError(.outcomeUnknown, "the log's sync failed", isRetriable: true, cause: error))
        }
        publish(entries, batches)
        metrics.wrote(records: records, bytes: bytes, firstQueuedAt: batches.first?.firstQueuedAt)
    }

    private static func refusal(_ error: any Error) -> BrokerError {
        let isFull = (error as? DatabaseError)?.code == .noSpace
        return BrokerError(
            isFull ? .storageFull : .failed, "nothing was written: \(error)",
            isRetriable: (error as? DatabaseError)?.isRetriable ?? false, cause: error)
    }

    /// Puts the batches into RocksDB, in one write.
    private func append(_ batches: inout [PendingBatch], _ batch: WriteBatch) throws -> [LogEntry] {
        batch.removeAll()
        let now = wallMilliseconds()
        var entries: [LogEntry] = []
        var tokens: [(write: TokenWrite, epoch: UInt64, base: UInt64)] = []
        for index in batches.indices {
            let log = batches[index].log
            let earlier = batches[..<index].lastIndex { $0.log === log }
            let (end, epoch) = log.withState { ($0.end, $0.epochs.current) }
            let base = earlier.map { entries[$0].end } ?? end
            LogEncoding.setHeader(
                &batches[index].bytes, count: batches[index].count, appendedAtMs: now, epoch: epoch)
            batch.put(log.family, LogEncoding.key(of: base), batches[index].bytes)
            for token in batches[index].tokens { tokens.append((token, epoch, base)) }
            // The bytes go over to the tail as they are.
            entries.append(
                LogEntry(
                    base: base, count: batches[index].count, epoch: epoch, appendedAtMs: now,
                    storage: RecordStorage(bytes: batches[index].bytes)))
        }
        if let failure = database.events.failure { throw failure }
        try deduplication.write(tokens, into: batch) { try database.append(batch) }
        return entries
    }

    private func publish(_ entries: [LogEntry], _ batches: [PendingBatch]) {
        var observers: [any DurableObserver] = []
        for (entry, pending) in zip(entries, batches) {
            pending.log.noteLast(pending.lastIndexes, base: entry.base)
            observers += pending.log.publish(entry)
        }
        for (entry, pending) in zip(entries, batches) {
            let durable = DurableBatch(log: pending.log, entry: entry, waiters: pending.waiters)
            if pending.isOneLoop {
                Self.complete(durable, on: pending.loop)
            } else {
                for (loop, waiters) in Self.byLoop(pending.waiters) {
                    Self.complete(DurableBatch(log: pending.log, entry: entry, waiters: waiters), on: loop)
                }
            }
        }
        for observer in observers { observer.durableAdvanced() }
    }

    private static func complete(_ durable: DurableBatch, on loop: EventLoop?) {
        if let loop { loop.execute { durable.completeAll() } } else { durable.completeAll() }
    }

    private static func byLoop(_ waiters: [Waiter]) -> [(loop: EventLoop?, waiters: [Waiter])] {
        var groups: [(loop: EventLoop?, waiters: [Waiter])] = []
        for waiter in waiters {
            if let index = groups.firstIndex(where: { $0.loop === waiter.loop }) {
                groups[index].waiters.append(waiter)
            } else {
                groups.append((waiter.loop, [waiter]))
            }
        }
        return groups
    }

    private func refuse(_ batches: [PendingBatch], _ error: BrokerError) {
        for pending in batches {
            for waiter in pending.waiters {
                if let loop = waiter.loop {
                    loop.execute { waiter.completion.fail(error) }
                } else {
                    waiter.completion.fail(error)
                }
            }
        }
    }

    private func fail(_ error: any Error) {
        let failure = error as? DatabaseError ?? DatabaseError(.failed, "\(error)")
        queue.withLock { $0.failure = failure }
    }
}
