/// What a ``ServiceGroup`` runs and how it ends; shaped like swift-service-lifecycle's.
public struct ServiceGroupConfiguration: Sendable {
    /// One service of the group.
    public struct ServiceConfiguration: Sendable {
        /// What a group does when a service ends on its own.
        public struct TerminationBehavior: Hashable, Sendable, CustomStringConvertible {
            /// The behavior's name.
            public let description: String

            /// Cancels the other services.
            public static let cancelGroup = Self(description: "cancelGroup")
            /// Shuts the other services down gracefully.
            public static let gracefullyShutdownGroup = Self(description: "gracefullyShutdownGroup")
            /// Lets the other services run.
            public static let ignore = Self(description: "ignore")
        }

        /// The service.
        public var service: any Service
        /// What happens when it returns unasked; default ``TerminationBehavior/cancelGroup``.
        public var successTerminationBehavior: TerminationBehavior
        /// What happens when it throws; default ``TerminationBehavior/cancelGroup``.
        public var failureTerminationBehavior: TerminationBehavior
        /// The service's name in logs and errors; default its description if it has one, else its type.
        public var serviceName: String

        /// Makes the configuration of one service.
        public init(
            service: any Service, successTerminationBehavior: TerminationBehavior = .cancelGroup,
            failureTerminationBehavior: TerminationBehavior = .cancelGroup, serviceName: String? = nil
        ) {
            self.service = service
            self.successTerminationBehavior = successTerminationBehavior
            self.failureTerminationBehavior = failureTerminationBehavior
            self.serviceName =
                serviceName ?? (service as? any CustomStringConvertible)?.description ?? "\(type(of: service))"
        }
    }

    /// The services, in the order in which they start; they shut down in reverse.
    public var services: [ServiceConfiguration]
    /// Signals that begin graceful shutdown; default none.
    public var gracefulShutdownSignals: [UnixSignal]
    /// Signals that cancel the services; default none.
    public var cancellationSignals: [UnixSignal]
    /// How long graceful shutdown of the whole group may take; then what is left is cancelled. Default nil, no limit.
    public var maximumGracefulShutdownDuration: Duration?
    /// How long services may take to end after they were cancelled; then `onUnresponsive` is called. Default nil, no
    /// limit.
    public var maximumCancellationDuration: Duration?
    /// Called on a thread of its own when services do not end although they were cancelled, with an error that names
    /// them. Since ``ServiceGroup/run()`` can't return before they end, a program logs and exits here. Default: only
    /// a log line.
    public var onUnresponsive: (@Sendable (ServiceGroupError) -> Void)?
    /// Says what the group does.
    public var logger: Logger

    /// Makes a configuration.
    public init(
        services: [ServiceConfiguration], gracefulShutdownSignals: [UnixSignal] = [],
        cancellationSignals: [UnixSignal] = [], logger: Logger
    ) {
        self.services = services
        self.gracefulShutdownSignals = gracefulShutdownSignals
        self.cancellationSignals = cancellationSignals
        self.logger = logger
    }
}
