/// A part of a program that runs until the program ends; shaped like swift-service-lifecycle's `Service`.
public protocol Service: Sendable {
    /// Runs the service. Returns after graceful shutdown was asked for (see ``gracefulShutdown()`` and
    /// ``withGracefulShutdownHandler(operation:onGracefulShutdown:)``) and what had begun is done, or soon after
    /// cancellation.
    func run() async throws
}
