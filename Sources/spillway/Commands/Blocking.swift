import Dispatch
import Synchronization

/// The edge between the synchronous main and what is asynchronous below it.
enum Blocking {
    private final class Outcome<Value: Sendable>: Sendable {
        let result = Mutex<Result<Value, any Error>?>(nil)
        let finished = DispatchSemaphore(value: 0)
    }

    /// Runs the body as a task and holds the calling thread until it ends. Only the main thread may call it: a thread
    /// of the pool would be missing to the body.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let outcome = Outcome<Value>()
        Task.detached {
            let result: Result<Value, any Error>
            do {
                result = .success(try await body())
            } catch {
                result = .failure(error)
            }
            outcome.result.withLock { $0 = result }
            outcome.finished.signal()
        }
        outcome.finished.wait()
        guard let result = outcome.result.withLock({ $0 }) else { preconditionFailure("signalled without a result") }
        return try result.get()
    }
}
