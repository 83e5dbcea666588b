/// Why a ``ServiceGroup`` ended other than by a shutdown that was asked for and done in time.
public struct ServiceGroupError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name.
        public var description: String { name }

        /// The group runs, or has run: it runs once.
        public static let alreadyRun = Code("already-run")
        /// A service returned although nobody had asked it to.
        public static let serviceFinishedUnexpectedly = Code("service-finished-unexpectedly")
        /// Graceful shutdown took longer than `maximumGracefulShutdownDuration`; the rest was cancelled. Programs
        /// exit with 75.
        public static let gracefulShutdownDeadlinePassed = Code("graceful-shutdown-deadline-passed")
        /// Services went on running although they were cancelled `maximumCancellationDuration` ago.
        public static let servicesUnresponsive = Code("services-unresponsive")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// The services that this is about, by name.
    public var services: [String]
    /// The error below; groups rethrow a service's error as it is.
    public var cause: (any Error)? { nil }
    /// Always false.
    public var isRetriable: Bool { false }

    init(_ code: Code, _ message: String, services: [String] = []) {
        self.code = code
        self.message = message
        self.services = services
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
