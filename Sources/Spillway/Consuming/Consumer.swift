public import SpillwayCore
import Synchronization

/// Reads a topic as a member of a consumer group, and hands its records to a processor: a service that runs until it
/// is cancelled, and that drains on graceful shutdown.
///
/// Records are handled at least once, in the order that the configuration says, and a commit never passes a record
/// that isn't finished (G3, G5). A handler that fails delays only its own key (or partition). Everything in the
/// consumer is bounded in records and in bytes; at a bound it stops to fetch.
public final class Consumer: Service {
    /// The consumer's name, for logs and as the member's name in its group.
    public let id: String
    let broker: any Broker
    let configuration: ConsumerConfiguration
    let interceptors: [any ConsumerInterceptor]
    let executor: (any TaskExecutor)?
    let onGivenUp: GivenUpHook?
    let failureStore: (any FailureStore)?
    let timeSource: any TimeSource
    let logger: Logger
    let processors: [Processor]
    let settingsStore: (any SettingsStore)?
    private let registry: MetricsRegistry?
    let control = Mutex(Control())

    /// What changes while it runs.
    struct Control {
        var isRunning = false
        /// Graceful shutdown has begun.
        var isEnding = false
        /// The run is to be followed by another, with other settings.
        var mustBeginAgain = false
        var run: ConsumerRun?
        var effective: EffectiveConfiguration?
        var settings = ConsumerSettings()
        var revision = 0
        /// Tests stop it where two things are hard to make meet: before a run is put in its place, and before a change
        /// of that revision is handed to the run.
        var beforeInstalling: (@Sendable () async -> Void)?
        var beforeApplying: (@Sendable (Int) async -> Void)?
    }

    /// Makes a consumer.
    ///
    /// - Parameters:
    ///   - id: the member's name, for people.
    ///   - processors: what may handle, each with a name of its own; `configuration.processor` says which does.
    ///   - interceptors: wrap each handling; the first is the outermost.
    ///   - executor: where handlers run, such as a `BlockingExecutor` for calls that may wait for a disk; by default
    ///     the global pool, where nothing may block.
    ///   - failureStore: keeps what is moved away: the side queue, and the dead letters. Without one, records that are
    ///     given up go to `onGivenUp`.
    ///   - settings: keeps what operators change, and their pauses, over restarts; see ``change(_:by:after:)``. Without
    ///     one, changes last as long as the consumer.
    ///   - onGivenUp: takes records that are given up, if there is no failure store; by default they are only logged and
    ///     counted.
    /// - Throws: ``ConsumerError`` with ``ConsumerError/Code/invalidConfiguration``; `MetricsError` if the registry has
    ///   metrics of these names and another shape.
    public init(
        id: String, broker: any Broker, configuration: ConsumerConfiguration, processors: [Processor],
        interceptors: [any ConsumerInterceptor] = [], executor: (any TaskExecutor)? = nil,
        failureStore: (any FailureStore)? = nil, settings: (any SettingsStore)? = nil, onGivenUp: GivenUpHook? = nil,
        metrics: MetricsRegistry? = nil,
        timeSource: any TimeSource = SystemTimeSource(), logger: Logger = Logger(label: "spillway.consumer")
    ) throws {
        try configuration.validate(
            movesRecords: failureStore != nil && processors.contains { !$0.isPartitionBatch })
        guard Set(processors.map(\.name)).count == processors.count else {
            throw ConsumerError(.invalidConfiguration, "the processors of consumer \(id) need names of their own")
        }
        let wanted = configuration.processor ?? processors.first?.name
        guard processors.contains(where: { $0.name == wanted }) else {
            throw ConsumerError(.invalidConfiguration, "processor of consumer \(id) must be one of its processors")
        }
        guard failureStore != nil || !configuration.needsFailureStore else {
            throw ConsumerError(
                .invalidConfiguration,
                "retry.whenExhausted and hotKeys.overflow of consumer \(id) need a failureStore to move records to")
        }
        self.id = id
        self.failureStore = failureStore
        self.broker = broker
        self.configuration = configuration
        self.processors = processors
        settingsStore = settings
        self.interceptors = interceptors
        self.executor = executor
        self.onGivenUp = onGivenUp
        registry = metrics
        try metrics.map {
            _ = try ConsumerMetrics(registry: $0, group: configuration.group, topic: configuration.topic)
        }
        self.timeSource = timeSource
        var logger = logger
        logger[metadataKey: "consumer"] = "\(id)"
        logger[metadataKey: "group"] = "\(configuration.group)"
        logger[metadataKey: "topic"] = "\(configuration.topic)"
        self.logger = logger
    }

    /// Makes a consumer with one processor; see the other initializer.
    public convenience init(
        id: String, broker: any Broker, configuration: ConsumerConfiguration, processor: Processor,
        interceptors: [any ConsumerInterceptor] = [], executor: (any TaskExecutor)? = nil,
        failureStore: (any FailureStore)? = nil, settings: (any SettingsStore)? = nil, onGivenUp: GivenUpHook? = nil,
        metrics: MetricsRegistry? = nil,
        timeSource: any TimeSource = SystemTimeSource(), logger: Logger = Logger(label: "spillway.consumer")
    ) throws {
        try self.init(
            id: id, broker: broker, configuration: configuration, processors: [processor], interceptors: interceptors,
            executor: executor, failureStore: failureStore, settings: settings,
            onGivenUp: onGivenUp, metrics: metrics,
            timeSource: timeSource, logger: logger)
    }

    /// What the consumer is called where others of other groups and topics are too.
    var memberName: String {
        String(decoding: "\(id)/\(configuration.group)/\(configuration.topic)".utf8.prefix(250), as: UTF8.self)
    }

    func effective(_ settings: ConsumerSettings) throws -> EffectiveConfiguration {
        let effective = try EffectiveConfiguration(configuration, settings, processors: processors)
        guard failureStore != nil || !effective.configuration.needsFailureStore else {
            throw SettingsError(.invalid, "consumer \(id) has no failure store to move records to")
        }
        guard effective.processor.positionOwner == nil || effective.configuration.topic == configuration.topic else {
            throw SettingsError(
                .invalid, "topic can't change: the handler of consumer \(id) keeps positions of \(configuration.topic)")
        }
        return effective
    }

    private func metrics(for topic: String) throws -> ConsumerMetrics? {
        try registry.map { try ConsumerMetrics(registry: $0, group: configuration.group, topic: topic) }
    }

    /// Fetches what there is at once, although the configuration's fetch interval is not over.
    public func fetchNow() { control.withLock { $0.run }?.fetchNow() }

    /// Runs until the task is cancelled or graceful shutdown is asked for.
    ///
    /// On graceful shutdown nothing new is started, what runs may end within `shutdownDrainTimeout`, and everything
    /// finished is committed. Handlers that still run then are cancelled and waited for.
    ///
    /// - Throws: `CancellationError` when cancelled; ``ConsumerError`` with
    ///   ``ConsumerError/Code/drainDeadlinePassed`` if handlers outlasted the drain, or
    ///   ``ConsumerError/Code/alreadyRunning``. A broker that fails is tried again for ever.
    public func run() async throws {
        let isFirst = control.withLock { control in
            defer { control.isRunning = true }
            return !control.isRunning
        }
        guard isFirst else { throw ConsumerError(.alreadyRunning, "consumer \(id) is running already") }
        defer {
            control.withLock { control in
                control.isRunning = false
                control.isEnding = false
                control.run = nil
            }
        }
        await loadSettings()
        repeat {
            try await runOnce()
        } while control.withLock { control in
            defer { control.mustBeginAgain = false }
            return control.mustBeginAgain && !control.isEnding
        }
    }

    /// Makes a run of the present settings and puts it in its place, for changes to find. What changed in between has found
    /// none, so the run is made again.
    private func install() async throws -> ConsumerRun {
        while true {
            let (settings, revision) = settings
            let effective = try effective(settings)
            let run = ConsumerRun(self, effective, metrics: try metrics(for: effective.configuration.topic))
            await control.withLock { $0.beforeInstalling }?()
            let isInPlace = control.withLock { control in
                guard control.revision == revision else { return false }
                control.run = run
                control.effective = effective
                control.mustBeginAgain = false
                return true
            }
            if isInPlace { return run }
        }
    }

    private func runOnce() async throws {
        let run = try await install()
        defer { control.withLock { $0.run = nil } }
        await reportSideQueue(run.processor)
        do {
            try await withGracefulShutdownHandler {
                try await withTaskCancellationHandler {
                    try await run.run()
                } onCancel: {
                    run.cancel()
                }
            } onGracefulShutdown: {
                self.control.withLock { $0.isEnding = true }
                run.beginShutdown()
            }
        } catch let error as ConsumerError where error.code == .drainDeadlinePassed {
            guard control.withLock({ $0.mustBeginAgain && !$0.isEnding }) else { throw error }
            logger.warning("handlers outlasted the drain before a change of settings; their records come again")
        }
    }
}
