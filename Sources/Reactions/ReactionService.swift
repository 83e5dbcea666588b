public import Spillway
public import SpillwayCore
internal import Synchronization

/// Reactions on a broker and a store: votes become durable events, projections make rows and counts of them.
///
/// The service holds no driver: the broker, the store and the threads that may block are handed in. Run it in a service
/// group behind the broker, and start it with ``start()`` before anything is served.
public final class ReactionService: Service {
    let configuration: ReactionsConfiguration
    let broker: any ReplayableBroker
    let store: any ReactionStore
    let overlay: Overlay
    let readModel: ReadModel
    let outcomes: OutcomeBoard
    let hub = CountsHub()
    let clock: VersionClock
    let validator: VoteValidator
    let blocking: BlockingExecutor
    let metrics: ReactionsMetrics
    let time: any TimeSource
    let logger: Logger
    let consumer: Consumer?
    let outcomeFailures = Mutex(LogLimit())
    private let tracing: TracingInterceptor?
    private let state = Mutex(Readiness.starting)
    private let previousStates: PreviousStateKeeper
    private let warming: CallersWarming
    /// When the service is ready although the caches are still cold.
    private let coldStart: MonotonicInstant
    /// True from the moment the overlay is rebuilt; before that an answer could lack an acknowledged vote.
    private let isServing = Atomic<Bool>(false)

    /// The log's epoch; positions of an older log are not waited for.
    private let logEpoch = Atomic<UInt64>(0)

    private enum Readiness {
        case starting
        case ready
        case stopping
    }

    /// Puts the service together; nothing runs yet.
    ///
    /// - Parameters:
    ///   - failures: takes records of the log that can't be decoded, as dead letters of ``group``.
    ///   - blocking: threads for reads that may wait for a disk.
    ///   - projections: threads on which the projections run.
    ///   - tracer: traces votes and projections; `nil` traces nothing.
    ///   - settings: keeps what operators change of the projections' consumer.
    /// - Throws: what the store or the registry throws.
    public init(
        configuration: ReactionsConfiguration, broker: any ReplayableBroker, store: any ReactionStore,
        failures: any FailureStore, blocking: BlockingExecutor, projections: BlockingExecutor,
        registry: MetricsRegistry, logger: Logger, time: any TimeSource = SystemTimeSource(), tracer: Tracer? = nil,
        settings: (any SettingsStore)? = nil
    ) throws {
        self.configuration = configuration
        self.broker = broker
        self.store = store
        self.blocking = blocking
        self.time = time
        self.logger = logger
        tracing = tracer.map { TracingInterceptor(tracer: $0, group: Self.group) }
        validator = VoteValidator(targetTypes: configuration.targetTypes)
        clock = VersionClock(time: time, resumingAfter: try store.greatestVersion())
        let applied = try store.appliedPositions().byTarget
        overlay = Overlay(
            clean: applied, limitRecords: configuration.pendingVotesRecords,
            limitBytes: configuration.pendingVotesBytes, time: time)
        readModel = ReadModel(store: store, overlay: overlay, configuration: configuration, time: time)
        warming = CallersWarming(store, readModel.callers, limit: configuration.callerStatesLimit)
        coldStart = time.now() + configuration.warmUp
        outcomes = OutcomeBoard(time: time)
        metrics = try ReactionsMetrics(registry, time: time)
        try metrics.register(registry, overlay: overlay, hub: hub)
        try readModel.register(registry)
        previousStates = try PreviousStateKeeper(store: store, time: time, logger: logger)
        let projector = ReactionProjector(
            store: store,
            undecodable: UndecodableRecords(failures, group: Self.group, logger: logger, time: time),
            readModel: readModel, outcomes: outcomes, hub: hub, metrics: metrics, logger: logger, time: time)
        consumer =
            configuration.projectionsPaused
            ? nil
            : try Self.consumer(
                projector, configuration, broker, tracing: tracing, executor: projections, registry: registry,
                logger: logger, time: time, settings: settings)
    }

    /// The projections' consumer group, by target and by user: one transaction carries both. Records that can't be decoded
    /// are its dead letters. It has no side queue, so they can't be sent back to it.
    public static let group = "reactions"

    /// The consumers that run in the service, for those who look after them.
    public var consumers: [Consumer] { consumer.map { [$0] } ?? [] }

    private static func consumer(
        _ projector: ReactionProjector, _ configuration: ReactionsConfiguration, _ broker: any ReplayableBroker,
        tracing: TracingInterceptor?, executor: BlockingExecutor, registry: MetricsRegistry, logger: Logger,
        time: any TimeSource, settings: (any SettingsStore)?
    ) throws -> Consumer {
        var consuming = ConsumerConfiguration(topic: configuration.topic, group: group)
        consuming.order = .partition
        // Votes' own users don't wait for the projections, the overlay has them; who waits for an outcome or a position
        // asks for a fetch.
        consuming.fetchInterval = .milliseconds(20)
        consuming.concurrency = configuration.partitions
        consuming.shutdownDrainTimeout = configuration.drainTimeout
        consuming.maxInFlightRecords = configuration.projectionBatchRecords * (configuration.partitions + 1) * 2
        return try Consumer(
            id: "reactions", broker: broker, configuration: consuming,
            processor: .partitionBatch(projector, maxRecords: configuration.projectionBatchRecords),
            interceptors: tracing.map { [$0] } ?? [], executor: executor, settings: settings, metrics: registry,
            timeSource: time, logger: logger)
    }

    /// Sends one event to the log.
    func send(_ message: Message) async throws -> SendReceipt {
        if tracing == nil { return try await broker.send(message, to: configuration.topic) }
        return try await send([message])[0]
    }

    /// Sends events to the log as one.
    func send(_ messages: [Message]) async throws -> [SendReceipt] {
        guard let tracing else { return try await broker.send(messages, to: configuration.topic) }
        return try await tracing.send(messages, to: configuration.topic) { [broker] messages, topic in
            try await broker.send(messages, to: topic)
        }
    }

    // MARK: Life

    /// Makes the topic if need be and rebuilds the overlay from the log's unapplied tail; then the service is ready.
    /// ``run()`` does it if nobody did before.
    public func start() async throws {
        _ = try await broker.ensureTopic(configuration.topic, partitions: configuration.partitions)
        if consumer == nil { try await registerGroup() }
        let ends = try await broker.endPositions(of: configuration.topic)
        logEpoch.store(ends.values.map(\.high).max() ?? 0, ordering: .relaxed)
        let applied = try store.appliedPositions()
        let begin = ContinuousClock.now
        let rebuilt = try await OverlayRebuild(
            broker: broker, topic: configuration.topic, overlay: overlay, clock: clock
        ).run(from: zip(applied.byTarget, applied.byUser).map { min($0, $1) })
        if rebuilt > 0 {
            logger.notice(
                "votes that are not applied yet are visible to their users",
                metadata: ["votes": "\(rebuilt)", "took": "\(ContinuousClock.now - begin)"])
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask { while !self.isStopping, self.time.now() < self.coldStart, await self.warm() {} }
            }
        }
        state.withLock { if $0 == .starting { $0 = .ready } }
        isServing.store(true, ordering: .releasing)
    }

    private var isStopping: Bool { state.withLock { $0 == .stopping } }

    /// Fills a page of the callers' cache; false if there is nothing left to do.
    private func warm() async -> Bool {
        do { return try await blocking.run { [warming] in try warming.fillPage() } } catch {
            // The requests will fill it, and meet the same error if it lasts.
            logger.warning("the callers' cache could not be filled", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Fills what the start left, for half of the time at most.
    private func warmBesideTraffic() async throws {
        var began = time.now()
        while !Task.isCancelled, await warm() {
            do { try await time.sleep(for: time.now() - began) } catch { return }
            began = time.now()
        }
    }

    /// Refuses what comes before the service is ready.
    func requireServing() throws(ReactionsError) {
        guard isServing.load(ordering: .acquiring) else {
            throw ReactionsError(.unavailable, "the service is not ready", retryAfterSeconds: 1)
        }
    }

    /// Has the log keep what the projections need, although they don't run: retention asks the groups that it knows.
    private func registerGroup() async throws {
        let registered = SubscriptionRequest(topic: configuration.topic, group: Self.group)
        try await broker.subscribe(registered).close()
    }

    /// Runs the projections until graceful shutdown, which lets them finish what they have begun.
    ///
    /// - Throws: `ConsumerError` with `drainDeadlinePassed` if they outlast the drain timeout; what was acknowledged is
    ///   in the log, and they take it from there at the next start.
    public func run() async throws {
        defer { finish() }
        if !isServing.load(ordering: .acquiring) { try await start() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.tick() }
            group.addTask { try await self.warmBesideTraffic() }
            defer { group.cancelAll() }
            if let consumer {
                try await consumer.run()
            } else {
                try await gracefulShutdown()
            }
        }
    }

    /// Streams are flushed ten times a second, those who waited too long are answered, old previous states forgotten.
    private func tick() async throws {
        var isFlush = false
        while !Task.isCancelled {
            do { try await time.sleep(for: .milliseconds(50)) } catch { return }
            overlay.expire()
            outcomes.expire()
            if isFlush { hub.flush() }
            isFlush.toggle()
            previousStates.forgetOld(overlay)
        }
    }

    /// Waits until positions that a client presents are applied.
    func wait(for positions: [LogPosition]) async throws(ReactionsError) {
        let current = logEpoch.load(ordering: .relaxed)
        var wanted = positions.filter { $0.position.high >= current }
        if wanted.isEmpty { return }
        guard wanted.allSatisfy({ $0.partition < configuration.partitions }) else {
            throw ReactionsError(
                .invalidField, "Spillway-Position names a partition that does not exist", field: "Spillway-Position")
        }
        // A request may hold many, and all that wait are looked at, under a lock, whenever something is applied.
        wanted = LogPosition.highest(of: wanted)
        if !overlay.hasPassed(wanted) { consumer?.fetchNow() }
        guard await overlay.wait(for: wanted, until: time.now() + configuration.positionWait) else {
            throw ReactionsError(
                .notYetApplied, "the position is not applied yet; try again", retryAfterSeconds: 1)
        }
    }

    /// Makes ``readiness()`` say that this ends, while what has begun and what still comes is served: for those who send
    /// requests elsewhere then.
    public func announceShutdown() { state.withLock { $0 = .stopping } }

    /// Waits until the projections have applied what is acknowledged, for a second at most: between the last request and
    /// the end, so that rows and counts are whole when the process is gone. What they don't reach is in the log, and they
    /// take it from there at the next start.
    public func settle() async {
        guard let consumer else { return }
        let deadline = time.now() + .seconds(1)
        while pendingVotes > 0, time.now() < deadline {
            consumer.fetchNow()
            do { try await time.sleep(for: .milliseconds(5)) } catch { return }
        }
    }

    private func finish() {
        state.withLock { $0 = .stopping }
        overlay.expire(all: true)
        outcomes.expire(all: true)
        hub.close()
    }

    /// Returns when the service is ready, or its task is cancelled.
    public func waitUntilReady() async {
        while !isServing.load(ordering: .acquiring), !Task.isCancelled {
            do { try await time.sleep(for: .milliseconds(5)) } catch { return }
        }
    }

    /// Acknowledged votes that a projection or a cache may not hold yet.
    public var pendingVotes: Int { overlay.size.records }

    /// Why it does not serve; `nil` when it does.
    public func readiness() -> String? {
        switch state.withLock({ $0 }) {
        case .starting: "the log and the store are being opened"
        case .ready: nil
        case .stopping: "draining"
        }
    }
}
