import Synchronization

/// Runs services side by side and ends them in order; shaped like swift-service-lifecycle's `ServiceGroup`.
///
/// On graceful shutdown (a signal, ``triggerGracefulShutdown(because:)``, or that of the group it is in) the last service is
/// asked to shut down; when it has ended, the one before, and so on: what others build on comes first in the list.
/// When this takes longer than `maximumGracefulShutdownDuration`, the rest is cancelled and ``run()`` throws.
public final class ServiceGroup: Service {
    private enum Event: Sendable {
        case finished(Int, (any Error)?)
        case shutdownRequested(String)
        case cancellationRequested(String)
        case shutdownDeadlinePassed
    }

    private let configuration: ServiceGroupConfiguration
    private let events: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let hasRun = Atomic(false)
    /// The services that have not ended, for the watchdog's message.
    private let unfinished = Mutex<Set<Int>>([])

    /// Makes a group; ``run()`` starts it.
    public init(configuration: ServiceGroupConfiguration) {
        self.configuration = configuration
        (events, continuation) = AsyncStream.makeStream()
    }

    /// Makes a group; ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - services: In the order in which they start; they shut down in reverse.
    ///   - gracefulShutdownSignals: Signals that begin graceful shutdown.
    ///   - cancellationSignals: Signals that cancel the services.
    ///   - maximumGracefulShutdownDuration: How long graceful shutdown of the whole group may take; nil is no limit.
    ///   - logger: Says what the group does.
    public convenience init(
        services: [any Service], gracefulShutdownSignals: [UnixSignal] = [], cancellationSignals: [UnixSignal] = [],
        maximumGracefulShutdownDuration: Duration? = nil, logger: Logger
    ) {
        var configuration = ServiceGroupConfiguration(
            services: services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) },
            gracefulShutdownSignals: gracefulShutdownSignals, cancellationSignals: cancellationSignals, logger: logger)
        configuration.maximumGracefulShutdownDuration = maximumGracefulShutdownDuration
        self.init(configuration: configuration)
    }

    /// Begins graceful shutdown; before ``run()`` it takes effect when that starts.
    ///
    /// - Parameter reason: For the log.
    public func triggerGracefulShutdown(because reason: String = "it was triggered") {
        continuation.yield(.shutdownRequested(reason))
    }

    /// Runs the services until all have ended.
    ///
    /// - Throws: The first error of a service; ``ServiceGroupError``; `CancellationError` when the task or a
    ///   cancellation signal cancelled the services.
    public func run() async throws {
        guard !hasRun.exchange(true, ordering: .relaxed) else {
            throw ServiceGroupError(.alreadyRun, "a service group runs once; make another one")
        }
        let source = signalSource()
        defer { source?.cancel() }
        let error = await withGracefulShutdownHandler {
            await runServices()
        } onGracefulShutdown: { [continuation] in
            continuation.yield(.shutdownRequested("the surrounding group shuts down"))
        }
        if let error { throw error }
    }

    private func signalSource() -> SignalSource? {
        let graceful = configuration.gracefulShutdownSignals
        let all = Set(graceful + configuration.cancellationSignals)
        if all.isEmpty { return nil }
        return SignalSource(signals: Array(all)) { [continuation] signal in
            continuation.yield(
                graceful.contains(signal)
                    ? .shutdownRequested("\(signal) came") : .cancellationRequested("\(signal) came"))
        }
    }

    private func runServices() async -> (any Error)? {
        let services = configuration.services
        let managers = services.map { _ in GracefulShutdownManager() }
        let watchdog = ShutdownWatchdog()
        defer { watchdog.stop() }
        var machine = ServiceGroupStateMachine(services: services)
        unfinished.withLock { $0 = Set(services.indices) }
        await withTaskGroup(of: Void.self) { group in
            for (index, service) in services.enumerated() {
                group.addTask { await self.run(service, at: index, under: managers[index]) }
            }
            var actions = machine.started()
            var iterator = events.makeAsyncIterator()
            while true {
                for action in actions {
                    switch action {
                    case .startShutdownDeadline: countShutdown(watchdog)
                    case .shutDown(let index):
                        log(.info, "shutting down", service: index)
                        managers[index].shutdownGracefully()
                    case .cancelAll:
                        countCancellation(watchdog)
                        group.cancelAll()
                    case .finish: return
                    }
                }
                // No event means that this task was cancelled, and the services with it: the group waits for them.
                guard let event = await iterator.next() else {
                    if machine.cancellationRequested() == [.cancelAll] { countCancellation(watchdog) }
                    return
                }
                actions = handle(event, &machine)
            }
        }
        return machine.error
    }

    private func handle(
        _ event: Event, _ machine: inout ServiceGroupStateMachine
    ) -> [ServiceGroupStateMachine.Action] {
        let logger = configuration.logger
        switch event {
        case .finished(let index, let error):
            switch error {
            case nil: log(.debug, "service ended", service: index)
            case is CancellationError: log(.debug, "service was cancelled", service: index)
            case .some(let error): log(.error, "service failed", service: index, error: error)
            }
            return machine.serviceFinished(index, error: error)
        case .shutdownRequested(let reason):
            logger.info("graceful shutdown", metadata: ["reason": "\(reason)"])
            return machine.shutdownRequested()
        case .cancellationRequested(let reason):
            logger.notice("cancelling services", metadata: ["reason": "\(reason)"])
            return machine.cancellationRequested()
        case .shutdownDeadlinePassed:
            logger.error(
                "graceful shutdown took too long; cancelling",
                metadata: ["services": .array(machine.runningNames.map { "\($0)" })])
            return machine.shutdownDeadlinePassed()
        }
    }

    private func run(
        _ service: ServiceGroupConfiguration.ServiceConfiguration, at index: Int, under manager: GracefulShutdownManager
    ) async {
        var failure: (any Error)?
        do {
            try await TaskLocals.$gracefulShutdownManager.withValue(manager) { try await service.service.run() }
        } catch {
            failure = error
        }
        unfinished.withLock { _ = $0.remove(index) }
        continuation.yield(.finished(index, failure))
    }

    private func countShutdown(_ watchdog: ShutdownWatchdog) {
        guard let duration = configuration.maximumGracefulShutdownDuration else { return }
        watchdog.arm(duration) { [continuation] in continuation.yield(.shutdownDeadlinePassed) }
    }

    private func countCancellation(_ watchdog: ShutdownWatchdog) {
        guard let duration = configuration.maximumCancellationDuration else { return }
        watchdog.arm(duration) { [self] in
            let names = unfinished.withLock { $0.sorted() }.map { configuration.services[$0].serviceName }
            let error = ServiceGroupError(
                .servicesUnresponsive, "cancelled, but still running: \(names.joined(separator: ", "))", services: names
            )
            configuration.logger.critical("\(error.message)")
            configuration.onUnresponsive?(error)
        }
    }

    private func log(_ level: Logger.Level, _ message: Logger.Message, service: Int, error: (any Error)? = nil) {
        var metadata: Logger.Metadata = ["service": "\(configuration.services[service].serviceName)"]
        if let error { metadata["error"] = "\(error)" }
        configuration.logger.log(level: level, message, metadata: metadata)
    }
}
