internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// A member of a group at an ``EmbeddedBroker``.
final class EmbeddedSubscription: Subscription, DurableObserver {
    let request: SubscriptionRequest
    private let id: UInt64
    private let log: TopicLog
    private let groups: GroupCoordinator
    private let reader: LogReader
    private let work: BlockingExecutor
    private let metrics: LogMetrics
    private let state: Mutex<State>

    private struct State {
        var delivery: Delivery
        var waiter: CheckedContinuation<Void, Never>?
        var pace: FetchPace
    }

    init(
        _ id: UInt64, _ request: SubscriptionRequest, _ log: TopicLog, _ groups: GroupCoordinator, _ reader: LogReader,
        _ work: BlockingExecutor, _ metrics: LogMetrics
    ) {
        self.id = id
        self.request = request
        self.log = log
        self.groups = groups
        self.reader = reader
        self.work = work
        self.metrics = metrics
        state = Mutex(State(delivery: Delivery(log), pace: FetchPace(interval: request.fetchInterval)))
    }

    // MARK: Receiving

    func next() async throws -> SubscriptionEvent? {
        while true {
            try Task.checkCancellation()
            switch try step() {
            case .event(let event): return event
            case .ended: return nil
            case .read(let from): try await readDisk(from)
            case .wait: await wait()
            case .rest(let deadline): await rest(until: deadline)
            }
        }
    }

    /// Steps until there is an event, or something that takes time. What is in memory is read here.
    private func step() throws -> Delivery.Step {
        try state.withLock { state in
            while true {
                let step = state.delivery.step(end: log.end)
                guard case .read(let from) = step else { return step }
                let now = MonotonicInstant(nanoseconds: monotonicNanoseconds())
                if let deadline = state.pace.mayNotFetch(now) { return .rest(until: deadline) }
                guard let entries = log.tail(from: from, bytes: 1 << 20) else { return step }
                state.pace.fetched(now)
                try state.delivery.offer(entries, from: from)
            }
        }
    }

    private func readDisk(_ from: UInt64) async throws {
        let (log, reader) = (log, reader)
        let start = log.start
        if from < start {
            if state.withLock({ $0.delivery.skip(to: start) }) { metrics.skippedByRetention.increment() }
            return
        }
        let entries = try await work.runUnlessClosed { try reader.entries(of: log, from: from) }
        guard !entries.isEmpty || from < log.start else {
            throw DatabaseError(.corruption, "the log of \(log.name) has no record at \(from), which it should keep")
        }
        try state.withLock { state in
            // Whatever was sought, paused or revoked meanwhile: the entries are the log's, and are offered to what
            // is wanted now, if that still begins in them.
            guard case .read(let wanted) = state.delivery.peek(end: log.end), wanted >= from else { return }
            try state.delivery.offer(entries, from: wanted)
        }
    }

    private func wait() async {
        await waitToBeWoken { state in
            let (waits, from) = state.delivery.mustWait(end: log.end)
            return !waits || from.map { !log.observe(self, from: $0) } ?? false
        }
    }

    /// Waits until the next fetch may be made, or anything else changes.
    private func rest(until deadline: MonotonicInstant) async {
        let time = deadline - MonotonicInstant(nanoseconds: monotonicNanoseconds())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await Task.sleep(for: time) }
            group.addTask { [self] in await waitToBeWoken { $0.pace.isHurried || $0.delivery.hasEvents } }
            await group.next()
            group.cancelAll()
        }
    }

    /// - Parameter isReady: asked once, under the lock: something may have come since the caller looked.
    private func waitToBeWoken(unless isReady: (State) -> Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isPast = state.withLock { state in
                    if Task.isCancelled || isReady(state) { return true }
                    precondition(state.waiter == nil, "one task at a time waits for a subscription")
                    state.waiter = continuation
                    return false
                }
                if isPast { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }

    func fetchNow() {
        state.withLock { $0.pace.isHurried = true }
        wake()
    }

    func durableAdvanced() { wake() }

    func wake() {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    private func change(_ body: (inout Delivery) -> Void) {
        state.withLock { body(&$0.delivery) }
        wake()
    }

    // MARK: What the consumer says

    func request(records: Int, bytes: Int) { change { $0.request(records: records, bytes: bytes) } }
    func pause(_ partitions: [TopicPartition]) { change { $0.pause(partitions) } }
    func resume(_ partitions: [TopicPartition]) { change { $0.resume(partitions) } }

    func seek(_ partition: TopicPartition, to position: Position) {
        let sequence = log.withState { max($0.epochs.sequence(atOrAfter: position), 0) }
        change { $0.seek(partition.partition, to: sequence) }
    }

    func commit(_ commits: [Commit]) async throws {
        guard !commits.isEmpty else { return }
        let (id, group, log, groups) = (id, request.group, log, groups)
        try await work.runUnlessClosed { try groups.commit(commits, member: id, group: group, log) }
    }

    func completeRevocation(of partitions: [TopicPartition]) {
        let numbers = partitions.map(\.partition)
        state.withLock { $0.delivery.release(numbers) }
        groups.change(request.group, log) { $0.completeRevocation(id, numbers) }
    }

    func close() async {
        end()
        let (id, group, log, groups) = (id, request.group, log, groups)
        groups.change(group, log) { $0.members.contains(id) ? $0.leave(id) : [] }
    }

    // MARK: What the coordinator says, under its lock; it wakes the member after

    func assign(_ assignment: Assignment) {
        let sequence = log.withState { $0.epochs.sequence(atOrAfter: assignment.start) }
        state.withLock { $0.delivery.assign(assignment, from: sequence) }
    }

    func revoke(_ partition: Int, by deadline: MonotonicInstant) {
        state.withLock { $0.delivery.revoke(partition, by: deadline) }
    }

    func lose(_ partition: Int) { state.withLock { $0.delivery.lose(partition) } }

    func lateRevocations(_ now: MonotonicInstant) -> [(partition: Int, generation: UInt64)] {
        state.withLock { $0.delivery.lateRevocations(now) }
    }

    func end() { change { $0.end() } }
}
