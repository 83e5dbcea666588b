internal import Synchronization

/// A request that waits for a thread. The thread takes it or its caller's cancellation does, whoever comes first, and only
/// that one goes on with it.
final class QueuedRequest: Sendable {
    typealias Response = HTTPClient.Response

    /// What is to be done, and who waits for what comes of it.
    struct Call: Sendable {
        let perform: @Sendable () throws -> Response
        let caller: CheckedContinuation<Response, any Error>
    }

    private enum State: Sendable {
        case new
        case waiting(Call)
        case gone
    }

    private let state = Mutex(State.new)

    /// Begins to wait.
    ///
    /// - Returns: false if the caller was cancelled before.
    func wait(_ call: Call) -> Bool {
        state.withLock { state in
            guard case .new = state else { return false }
            state = .waiting(call)
            return true
        }
    }

    /// Ends the wait; `nil` if that was done before, or it has not begun and never will.
    func take() -> Call? {
        state.withLock { state in
            defer { state = .gone }
            guard case .waiting(let call) = state else { return nil }
            return call
        }
    }
}
