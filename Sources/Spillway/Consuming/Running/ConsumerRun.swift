import SpillwayCore
import Synchronization

/// One run of a consumer: carries out what the engine decides.
///
/// The engine is behind one lock, held for the state change only. What it wants done at the broker goes through an
/// outbox that one task at a time empties, so that a pause and a resume arrive in the order in which they were decided.
final class ConsumerRun: Sendable {
    struct State {
        var engine: ConsumerEngine
        var idleWorkers: [CheckedContinuation<Work?, Never>] = []
        var outbox: [EngineActions] = []
        var isFlushing = false
        var queuedActions = 0
        var performedActions = 0
        var subscription: (any Subscription)?
        var openings: [EngineActions.Opening] = []
        var commits: [Commit]?
        var sideWrites: SideWrites?
        var sideLoads: [SideLoad]?
        var lease: Int?
        var timerDeadline: MonotonicInstant?
        var isStopped = false
        /// Graceful shutdown has let go of everything.
        var isDrained = false
        var drainedWithRunningWork = false
        var failuresLogged = LogLimit()
        var givenUpLogged = LogLimit()
        var stuckLogged = LogLimit(interval: .seconds(60))
        var shownCounters = EngineCounters()
    }

    /// What one change of the engine asks its caller to do, outside of the lock.
    private struct Effects {
        var starts: [(worker: CheckedContinuation<Work?, Never>, work: Work)] = []
        var wakesTimer = false
        var wakesCommitter = false
        var wakesMover = false
        var wakesLoader = false
        var wakesLease = false
        var wakesPoller = false
        var mustFlush = false
    }

    let consumer: Consumer
    /// What the program and the settings ask for when the run begins; what changes in place is in the engine.
    let configuration: ConsumerConfiguration
    let processor: Processor
    private let effective: EffectiveConfiguration
    let metrics: ConsumerMetrics?
    private let livePolicy: Mutex<RetryPolicy>
    let state: Mutex<State>
    /// How many of the engine's seeks the broker has been told of.
    let seeksDone = Atomic<UInt64>(0)
    let timerSignal = Signal()
    let committerSignal = Signal()
    let openerSignal = Signal()
    let moverSignal = Signal()
    let loaderSignal = Signal()
    let leaseSignal = Signal()
    let drainedSignal = Signal()
    let reliefSignal = Signal()
    let workersSignal = Signal()
    /// The records of workers that handle several one by one.
    let slots = Mutex<[WorkSlot]>([])
    /// Somebody looks at them.
    let isWatchingSlots = Atomic(false)
    /// The interceptors, and at last the processor.
    let handler: HandleNext
    /// The processor, if it takes one record at a time and nothing is around it.
    let single: Processor.Single?

    init(_ consumer: Consumer, _ effective: EffectiveConfiguration, metrics: ConsumerMetrics?) {
        self.consumer = consumer
        configuration = effective.configuration
        processor = effective.processor
        self.effective = effective
        self.metrics = metrics
        livePolicy = Mutex(effective.configuration.retry)
        var engine = ConsumerEngine(effective.engineSettings(usesFailureStore: consumer.failureStore != nil))
        engine.setAllPaused(effective.isPaused)
        state = Mutex(State(engine: engine))
        handler =
            switch effective.processor.shape {
            case .records(let handler):
                consumer.interceptors.around { [order = effective.configuration.order] in await handler($0, order) }
            case .partitionBatch: { _ in [] }
            }
        single = consumer.interceptors.isEmpty ? effective.processor.single : nil
    }

    /// What happens to records that fail, as it is now.
    var retry: RetryPolicy { livePolicy.withLock { $0 } }

    /// Takes over what can change in place, unless a later change has come before it. What is for a run of another shape
    /// is not for this one, which ends: the next one begins with it.
    func apply(_ effective: EffectiveConfiguration, revision: Int) {
        if effective.differsInShape(from: self.effective) { return }
        let settings = effective.engineSettings(usesFailureStore: consumer.failureStore != nil)
        step { engine, now in
            guard consumer.control.withLock({ $0.revision }) == revision else { return }
            livePolicy.withLock { $0 = effective.configuration.retry }
            engine.change(settings, now: now)
            engine.setAllPaused(effective.isPaused)
        }
        workersSignal.set()
    }

    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.employ() }
            group.addTask { await self.keepTime() }
            group.addTask { await self.commit() }
            group.addTask { await self.move() }
            group.addTask { await self.load() }
            group.addTask { await self.lease() }
            group.addTask { await self.relieveWorkers() }
            group.addTask { await self.measure() }
            group.addTask(executorPreference: consumer.executor) { await self.open() }
            await poll()
            stop()
            group.cancelAll()
        }
        if let subscription = state.withLock({ $0.subscription }) { await subscription.close() }
        updateMetrics()
        let (isDrained, hadWork) = state.withLock { ($0.isDrained, $0.drainedWithRunningWork) }
        if hadWork {
            throw ConsumerError(
                .drainDeadlinePassed, "handlers of consumer \(consumer.id) were still running after the drain timeout")
        }
        if !isDrained { throw CancellationError() }
    }

    /// Keeps as many workers as the engine can have something to do for; when it wants fewer, some wait.
    private func employ() async {
        await withDiscardingTaskGroup { group in
            var count = 0
            while !Task.isCancelled, !state.withLock({ $0.isStopped }) {
                let wanted = state.withLock { $0.engine.maxWorkers }
                while count < wanted {
                    count += 1
                    // Without a preference a task is spared looking for it whenever it goes on.
                    if let executor = consumer.executor {
                        group.addTask(executorPreference: executor) { await self.work() }
                    } else {
                        group.addTask { await self.work() }
                    }
                }
                await workersSignal.wait()
            }
        }
    }

    /// Drains: nothing new is started.
    func beginShutdown() { step { engine, now in engine.shutDown(now: now) } }

    /// Ends at once: workers that wait get nothing more.
    func cancel() { stop() }

    /// Ends the wait for the next fetch.
    func fetchNow() { state.withLock { $0.subscription }?.fetchNow() }

    /// Changes the engine and carries out what follows.
    ///
    /// - Returns: The ticket that ``performed(_:)`` waits for.
    @discardableResult
    func step(_ change: (inout ConsumerEngine, MonotonicInstant) -> Void) -> Int {
        perform(change, takesWork: false).ticket
    }

    /// Ends a piece of work, and takes the next one for the same worker if there is one.
    func end(_ change: (inout ConsumerEngine, MonotonicInstant) -> Void) -> Work? {
        perform(change, takesWork: true).work
    }

    private func perform(
        _ change: (inout ConsumerEngine, MonotonicInstant) -> Void, takesWork: Bool
    ) -> (ticket: Int, work: Work?) {
        let now = consumer.timeSource.now()
        let wallMs = consumer.failureStore == nil ? 0 : consumer.timeSource.wallMilliseconds()
        let (effects, ticket, work) = state.withLock { state -> (Effects, Int, Work?) in
            change(&state.engine, now)
            let work = takesWork && !state.isStopped ? state.engine.takeWork(now: now) : nil
            return (Self.collect(&state, now: now, wallMs: wallMs), state.queuedActions, work)
        }
        for start in effects.starts { start.worker.resume(returning: start.work) }
        if effects.mustFlush { flush() }
        if effects.wakesTimer { timerSignal.set() }
        if effects.wakesCommitter { committerSignal.set() }
        if effects.wakesMover { moverSignal.set() }
        if effects.wakesLoader { loaderSignal.set() }
        if effects.wakesLease { leaseSignal.set() }
        if effects.wakesPoller { drainedSignal.set() }
        return (ticket, work)
    }

    private static func collect(_ state: inout State, now: MonotonicInstant, wallMs: Int64) -> Effects {
        var effects = Effects()
        while !state.isStopped, let worker = state.idleWorkers.last, let work = state.engine.takeWork(now: now) {
            state.idleWorkers.removeLast()
            effects.starts.append((worker, work))
        }
        let actions = state.engine.takeActions()
        if !actions.isEmpty {
            state.outbox.append(actions)
            state.queuedActions += 1
            if !state.isFlushing {
                state.isFlushing = true
                effects.mustFlush = true
            }
        }
        if state.commits == nil, let commits = state.engine.takeCommits(now: now) {
            state.commits = commits
            effects.wakesCommitter = true
        }
        if state.sideWrites == nil, let writes = state.engine.takeSideWrites(now: now, wallMs: wallMs) {
            state.sideWrites = writes
            effects.wakesMover = true
        }
        if state.sideLoads == nil, let loads = state.engine.takeSideLoads(now: now, wallMs: wallMs) {
            state.sideLoads = loads
            effects.wakesLoader = true
        }
        if state.lease == nil, let count = state.engine.takeLease(now: now) {
            state.lease = count
            effects.wakesLease = true
        }
        if let deadline = state.engine.nextDeadline(now: now), state.timerDeadline.map({ deadline < $0 }) ?? true {
            state.timerDeadline = deadline
            effects.wakesTimer = true
        }
        if !state.isDrained, state.engine.isDrained(now: now) {
            state.isDrained = true
            state.drainedWithRunningWork = state.engine.hasRunningWork
            effects.wakesCommitter = true
            effects.wakesPoller = true
        }
        return effects
    }

    /// Empties the outbox in order; the caller has claimed it.
    private func flush() {
        while true {
            let (batch, subscription) = state.withLock { state -> ([EngineActions], (any Subscription)?) in
                if state.outbox.isEmpty { state.isFlushing = false }
                defer { state.outbox = [] }
                return (state.outbox, state.subscription)
            }
            if batch.isEmpty { return }
            if let subscription { for actions in batch { perform(actions, on: subscription) } }
            // One task at a time is here, so the number only grows.
            if let last = batch.last(where: { $0.seeksAsked > 0 }) {
                seeksDone.store(last.seeksAsked, ordering: .releasing)
            }
            state.withLock { $0.performedActions += batch.count }
        }
    }

    private func perform(_ actions: EngineActions, on subscription: any Subscription) {
        if !actions.pause.isEmpty { subscription.pause(actions.pause) }
        for seek in actions.seek { subscription.seek(seek.partition, to: seek.position) }
        if !actions.resume.isEmpty { subscription.resume(actions.resume) }
        if !actions.open.isEmpty {
            state.withLock { $0.openings += actions.open }
            openerSignal.set()
        }
        if !actions.completeRevocation.isEmpty { subscription.completeRevocation(of: actions.completeRevocation) }
        if let request = actions.request { subscription.request(records: request.records, bytes: request.bytes) }
    }

    /// Waits until the actions of a step have been carried out, by whoever empties the outbox.
    func performed(_ ticket: Int) async {
        while state.withLock({ $0.performedActions < ticket }) { await Task.yield() }
    }

    private func stop() {
        let waiting = state.withLock { state -> [CheckedContinuation<Work?, Never>] in
            state.isStopped = true
            defer { state.idleWorkers = [] }
            return state.idleWorkers
        }
        for worker in waiting { worker.resume(returning: nil) }
    }

    /// Shows what the engine has counted since the last time.
    func updateMetrics() {
        guard let metrics else { return }
        let (figures, last) = state.withLock { state -> (EngineFigures, EngineCounters) in
            let figures = EngineFigures(state.engine)
            defer { state.shownCounters = figures.counters }
            return (figures, state.shownCounters)
        }
        metrics.update(figures, since: last)
    }
}
