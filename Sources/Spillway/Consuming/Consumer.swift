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
    let processor: Processor
    let interceptors: [any ConsumerInterceptor]
    let executor: (any TaskExecutor)?
    let onGivenUp: GivenUpHook?
    let failureStore: (any FailureStore)?
    let metrics: ConsumerMetrics?
    let timeSource: any TimeSource
    let logger: Logger
    private let current = Mutex<ConsumerRun?>(nil)

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
    ///   - onGivenUp: takes records that are given up, if there is no failure store; by default they are only logged and
    ///     counted.
    /// - Throws: ``ConsumerError`` with ``ConsumerError/Code/invalidConfiguration``; `MetricsError` if the registry has
    ///   metrics of these names and another shape.
    public init(
        id: String, broker: any Broker, configuration: ConsumerConfiguration, processors: [Processor],
        interceptors: [any ConsumerInterceptor] = [], executor: (any TaskExecutor)? = nil,
        failureStore: (any FailureStore)? = nil, onGivenUp: GivenUpHook? = nil, metrics: MetricsRegistry? = nil,
        timeSource: any TimeSource = SystemTimeSource(), logger: Logger = Logger(label: "spillway.consumer")
    ) throws {
        try configuration.validate()
        guard Set(processors.map(\.name)).count == processors.count else {
            throw ConsumerError(.invalidConfiguration, "the processors of consumer \(id) need names of their own")
        }
        let wanted = configuration.processor ?? processors.first?.name
        guard let processor = processors.first(where: { $0.name == wanted }) else {
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
        self.processor = processor
        self.interceptors = interceptors
        self.executor = executor
        self.onGivenUp = onGivenUp
        self.metrics = try metrics.map {
            try ConsumerMetrics(registry: $0, group: configuration.group, topic: configuration.topic)
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
        failureStore: (any FailureStore)? = nil, onGivenUp: GivenUpHook? = nil, metrics: MetricsRegistry? = nil,
        timeSource: any TimeSource = SystemTimeSource(), logger: Logger = Logger(label: "spillway.consumer")
    ) throws {
        try self.init(
            id: id, broker: broker, configuration: configuration, processors: [processor], interceptors: interceptors,
            executor: executor, failureStore: failureStore, onGivenUp: onGivenUp, metrics: metrics,
            timeSource: timeSource, logger: logger)
    }

    /// Fetches what there is at once, although the configuration's fetch interval is not over.
    public func fetchNow() { current.withLock { $0 }?.fetchNow() }

    /// Runs until the task is cancelled or graceful shutdown is asked for.
    ///
    /// On graceful shutdown nothing new is started, what runs may end within `shutdownDrainTimeout`, and everything
    /// finished is committed. Handlers that still run then are cancelled and waited for.
    ///
    /// - Throws: `CancellationError` when cancelled; ``ConsumerError`` with
    ///   ``ConsumerError/Code/drainDeadlinePassed`` if handlers outlasted the drain, or
    ///   ``ConsumerError/Code/alreadyRunning``. A broker that fails is tried again for ever.
    public func run() async throws {
        let run = ConsumerRun(self)
        let isFirst = current.withLock { current in
            if current != nil { return false }
            current = run
            return true
        }
        guard isFirst else { throw ConsumerError(.alreadyRunning, "consumer \(id) is running already") }
        defer { current.withLock { $0 = nil } }
        try await withGracefulShutdownHandler {
            try await withTaskCancellationHandler {
                try await run.run()
            } onCancel: {
                run.cancel()
            }
        } onGracefulShutdown: {
            run.beginShutdown()
        }
    }
}
