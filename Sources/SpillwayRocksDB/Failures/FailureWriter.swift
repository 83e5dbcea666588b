internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Group commit: what queued while the last batch was written is written in one batch, and one sync is for all that was
/// written before it. A second thread syncs, so that the next batch is written meanwhile.
///
/// The first call to queue has the queue written on the writer's one thread; those that come until then share its batch.
/// When many call at once the writer waits a moment for more, as the log's does (``GroupGathering``).
final class FailureWriter: Sendable {
    /// Who waits for a change to be durable.
    @safe private final class Waiter: Sendable {
        /// Asked on the writer's thread, before the change is made.
        let admission: (@Sendable () throws -> Void)?
        private let waiter: Mutex<UnsafeContinuation<Int, any Error>?>

        init(_ admission: (@Sendable () throws -> Void)?, _ waiter: UnsafeContinuation<Int, any Error>) {
            self.admission = admission
            unsafe self.waiter = unsafe Mutex(waiter)
        }

        var isFinished: Bool { unsafe waiter.withLock { unsafe $0 == nil } }

        /// Lets the caller go on; the first outcome stays.
        func finish(_ result: Result<Int, any Error>) {
            // Taken by whoever is first, so resumed once.
            unsafe waiter.withLock { unsafe $0.take() }?.resume(with: result)
        }
    }

    /// A change that waits for its batch. It is handed on as it is: counting one more reference to something that another
    /// core has made costs as much as a good part of the change.
    private struct Queued: Sendable {
        let call: FailureCall
        let waiter: Waiter
    }

    /// The changes of a batch, and who waits for each.
    private struct Taken: Sendable {
        var calls: [FailureCall] = []
        var waiters: [Waiter] = []
    }

    private struct Queue: Sendable {
        var calls = Deque<Queued>()
        /// The queue will be written.
        var isScheduled = false
        var gathering = GroupGathering()
        /// From how many calls on the writer waits to be woken.
        var signalsAt: Int?
    }

    /// Bytes beyond which a batch takes no more changes.
    private static let batchBytes = 8 << 20
    /// Fewer callers are not waited for: what they do between their calls takes longer than a sync.
    private static let gatheredCalls = 16
    /// Not more are waited for: making the rows of so many takes longer than a sync, and those that it releases meanwhile
    /// are the next batch.
    private static let enoughCalls = 128

    private let tables: FailureTables
    private let limits: FailureStoreLimits
    private let metrics: FailureStoreMetrics
    private let queue = Monitor(Queue())
    /// One thread: there is one batch at a time.
    let executor = BlockingExecutor(name: "side-queue", threads: 1)
    private let syncer = BlockingExecutor(name: "side-sync", threads: 1)
    /// Batches that were written and have no outcome yet.
    private let unsynced = Monitor(0)
    /// With more of them than these the writer waits, so that batches become large where syncs are slow.
    private static let mostUnsynced = 2
    /// Up to here the writer has written; the writer's own.
    private let written = Atomic<UInt64>(0)

    init(_ tables: FailureTables, limits: FailureStoreLimits, _ metrics: FailureStoreMetrics) {
        self.tables = tables
        self.limits = limits
        self.metrics = metrics
    }

    /// Ends when all calls have their outcomes; later ones are refused. Blocks.
    func shutdown() {
        executor.shutdown()
        syncer.shutdown()
    }

    /// Changes that wait.
    var pendingChanges: Int { queue.withLock { $0.calls.count } }

    /// Makes a change; durable on return.
    ///
    /// - Parameter admission: throws if the change may not be made any more; asked at the last moment.
    /// - Returns: how many letters were discarded or moved.
    func make(_ call: FailureCall, unless admission: (@Sendable () throws -> Void)? = nil) async throws -> Int {
        try await unsafe withUnsafeThrowingContinuation { waiter in
            let queued = unsafe Queued(call: call, waiter: Waiter(admission, waiter))
            let (isFirst, wakes) = queue.withLock { queue in
                queue.calls.append(queued)
                defer { queue.isScheduled = true }
                return (!queue.isScheduled, queue.signalsAt.map { queue.calls.count >= $0 } ?? false)
            }
            if wakes { queue.signal() }
            if isFirst, !executor.execute({ [self] in writeQueue() }) { refuseAll() }
        }
    }

    /// After the end; whoever queued meanwhile has relied on the call that could not be scheduled.
    private func refuseAll() {
        var calls = queue.withLock { queue in
            queue.isScheduled = false
            defer { queue.calls = Deque() }
            return queue.calls
        }
        while let call = calls.popFirst() {
            call.waiter.finish(.failure(BlockingExecutorError.shutDown(executor.name)))
        }
    }

    /// Writes one batch, and has the next one written behind whatever waits for the thread.
    private func writeQueue() {
        repeat {
            gather()
            let taken = takeBatch()
            write(taken)
            let isEmpty = queue.withLock { queue in
                queue.gathering.wrote(sends: taken.calls.count, queued: queue.calls.count)
                queue.isScheduled = !queue.calls.isEmpty
                return queue.calls.isEmpty
            }
            if isEmpty { return }
            // Refused at the end: those who have queued are served here, then.
        } while !executor.execute({ [self] in writeQueue() })
    }

    private func gather() {
        let wanted = min(queue.withLock { $0.gathering.wanted }, Self.enoughCalls)
        guard wanted >= Self.gatheredCalls else { return }
        let patience = MonotonicInstant(nanoseconds: monotonicNanoseconds() + GroupGathering.patience)
        _ = queue.wait(until: patience) { queue -> Bool? in
            let isDone = queue.calls.count >= wanted
            queue.signalsAt = isDone ? nil : wanted
            return isDone ? true : nil
        }
    }

    private func takeBatch() -> Taken {
        queue.withLock { queue in
            queue.signalsAt = nil
            var taken = Taken()
            var bytes = 0
            while bytes < Self.batchBytes, let next = queue.calls.popFirst() {
                bytes += next.call.byteCount
                taken.calls.append(next.call)
                taken.waiters.append(next.waiter)
            }
            return taken
        }
    }

    /// Writes changes as one batch, and gives each its outcome.
    private func write(_ taken: Taken) {
        let prepared: Prepared
        do { prepared = try prepare(taken) } catch {
            // What can't be read concerns one of them, so each goes by itself.
            for (call, waiter) in zip(taken.calls, taken.waiters) where !waiter.isFinished {
                if taken.calls.count > 1 {
                    write(Taken(calls: [call], waiters: [waiter]))
                } else {
                    waiter.finish(.failure(error))
                }
            }
            return
        }
        do {
            if !prepared.batch.isEmpty {
                try tables.write(prepared.batch, prepared.outcome.change)
                written.store(tables.database.latestSequence, ordering: .relaxed)
            }
        } catch { return prepared.outcome.finish(error) }
        // What changes nothing may have found what is not synced yet.
        let sequence = written.load(ordering: .relaxed)
        unsynced.withLock { $0 += 1 }
        let outcome = prepared.outcome
        let job: @Sendable () -> Void = { [self] in
            settle(sequence, outcome)
            unsynced.withLock { $0 -= 1 }
            unsynced.signal()
        }
        if !syncer.execute(job) { job() }
        tables.clean(prepared.outcome.change.side.places.map(\.place))
        _ = unsynced.wait { $0 < Self.mostUnsynced ? true : nil }
    }

    /// Makes durable what was written up to a sequence, and gives calls their outcome.
    private func settle(_ sequence: UInt64, _ outcome: Outcome) {
        do {
            if tables.database.durableSequence < sequence { try sync() }
            metrics.update(outcome.change)
            for call in outcome.staged { call.waiter.finish(.success(call.count)) }
        } catch { outcome.finish(error) }
    }

    private struct Prepared {
        let batch: WriteBatch
        let outcome: Outcome
    }

    private struct Staged: Sendable {
        let waiter: Waiter
        /// How many letters were discarded or moved.
        let count: Int
    }

    private struct Outcome: Sendable {
        let change: FailureGroup.Change
        /// Those whose calls were not refused.
        let staged: [Staged]
        /// Goes with the outcome: giving the memory back would hold up the next batch.
        let calls: [FailureCall]

        func finish(_ error: any Error) {
            for call in staged { call.waiter.finish(.failure(error)) }
        }
    }

    /// Makes a batch of the changes that are not refused; those that are have their outcome then.
    private func prepare(_ taken: Taken) throws -> Prepared {
        var group = try FailureGroup(taken.calls, tables, limits: limits)
        let isDiskFull = tables.database.reserve.level == .critical
        var staged: [Staged] = []
        staged.reserveCapacity(taken.waiters.count)
        for (number, waiter) in taken.waiters.enumerated() {
            if isDiskFull, !taken.calls[number].onlyRemoves {
                waiter.finish(.failure(Self.diskFull))
                continue
            }
            do {
                try waiter.admission?()
                staged.append(Staged(waiter: waiter, count: try group.stage(number)))
            } catch { waiter.finish(.failure(error)) }
        }
        let batch = WriteBatch()
        let change = try group.write(into: batch)
        return Prepared(batch: batch, outcome: Outcome(change: change, staged: staged, calls: taken.calls))
    }

    private func sync() throws {
        let start = monotonicNanoseconds()
        try tables.database.sync()
        metrics.sync.recordNanoseconds(Int64(monotonicNanoseconds() - start))
    }

    private static let diskFull = FailureStoreError(
        .failed, "the disk is nearly full: free some space",
        cause: DatabaseError(.noSpace, "the disk is nearly full: free some space"))
}
