/// What a service group does next; without tasks, clocks or signals.
struct ServiceGroupStateMachine {
    /// What the group must do, in this order.
    enum Action: Equatable {
        /// Start to count the time that graceful shutdown may take.
        case startShutdownDeadline
        /// Ask this service to shut down.
        case shutDown(service: Int)
        /// Cancel all services, and start to count the time that this may take.
        case cancelAll
        /// All services have ended.
        case finish
    }

    private enum Phase: Equatable {
        case running
        case shuttingDown(service: Int)
        case cancelling
        case finished
    }

    private let services: [ServiceGroupConfiguration.ServiceConfiguration]
    private var phase = Phase.running
    private(set) var running: Set<Int>
    /// What the group throws in the end: the first error.
    private(set) var error: (any Error)?

    init(services: [ServiceGroupConfiguration.ServiceConfiguration]) {
        self.services = services
        running = Set(services.indices)
    }

    /// The names of the services that have not ended, in order.
    var runningNames: [String] { running.sorted().map { services[$0].serviceName } }

    /// Called once the services were started; a group of none is finished at once.
    mutating func started() -> [Action] { running.isEmpty ? finish() : [] }

    mutating func shutdownRequested() -> [Action] {
        switch phase {
        case .running: running.isEmpty ? finish() : [.startShutdownDeadline] + shutDownNext()
        case .shuttingDown, .cancelling, .finished: []
        }
    }

    mutating func cancellationRequested() -> [Action] {
        switch phase {
        case .running, .shuttingDown: cancel(because: CancellationError())
        case .cancelling, .finished: []
        }
    }

    mutating func shutdownDeadlinePassed() -> [Action] {
        switch phase {
        case .shuttingDown:
            let names = runningNames
            return cancel(
                because: ServiceGroupError(
                    .gracefulShutdownDeadlinePassed,
                    "graceful shutdown took too long; cancelled \(names.joined(separator: ", "))", services: names))
        case .running, .cancelling, .finished: return []
        }
    }

    mutating func serviceFinished(_ service: Int, error: (any Error)?) -> [Action] {
        running.remove(service)
        switch phase {
        case .running: return finishedUnasked(service, error)
        case .shuttingDown(let current):
            // The others still get their graceful shutdown: an error in one is no reason to break off their work.
            // Nobody cancelled it, so a cancellation is how it shut itself down, by `cancelWhenGracefulShutdown` say.
            let isFailure = !(error is CancellationError) && services[service].failureTerminationBehavior != .ignore
            if isFailure { note(error) }
            if service == current { return shutDownNext() }
            return running.isEmpty ? finish() : []
        case .cancelling: return running.isEmpty ? finish() : []
        case .finished: return []
        }
    }

    private mutating func finishedUnasked(_ service: Int, _ error: (any Error)?) -> [Action] {
        let configuration = services[service]
        let behavior =
            error == nil ? configuration.successTerminationBehavior : configuration.failureTerminationBehavior
        switch behavior {
        case .ignore: return running.isEmpty ? finish() : []
        case .gracefullyShutdownGroup:
            note(error)
            return running.isEmpty ? finish() : [.startShutdownDeadline] + shutDownNext()
        default:
            return cancel(
                because: error
                    ?? ServiceGroupError(
                        .serviceFinishedUnexpectedly,
                        "\(configuration.serviceName) returned although nobody had asked it to",
                        services: [configuration.serviceName]))
        }
    }

    private mutating func shutDownNext() -> [Action] {
        guard let next = running.max() else { return finish() }
        phase = .shuttingDown(service: next)
        return [.shutDown(service: next)]
    }

    private mutating func cancel(because error: any Error) -> [Action] {
        note(error)
        if running.isEmpty { return finish() }
        phase = .cancelling
        return [.cancelAll]
    }

    private mutating func finish() -> [Action] {
        phase = .finished
        return [.finish]
    }

    private mutating func note(_ error: (any Error)?) {
        if self.error == nil { self.error = error }
    }
}
