internal import Spillway
internal import SpillwayCore

extension BlockingExecutor {
    /// Runs a body that may block on one of a broker's threads.
    ///
    /// - Throws: what the body throws; `BrokerError` with ``BrokerError/Code/closed`` if the threads are gone with their
    ///   broker.
    func runUnlessClosed<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        do {
            return try await run(body)
        } catch let error as BlockingExecutorError where error.code == .shutDown {
            throw BrokerError(.closed, "the broker is closed", cause: error)
        }
    }
}
