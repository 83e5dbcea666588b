import Synchronization

/// Lets one task wait until something has happened so many times.
final class Countdown: Sendable {
    private let remaining: Atomic<Int>
    private let state = Mutex<State>(.counting)

    private enum State {
        case counting
        case waiting(CheckedContinuation<Void, Never>)
        case done
    }

    init(_ count: Int) { remaining = Atomic(count) }

    func hit(_ times: Int = 1) {
        // Relaxed: only the last one does something, and what it does is behind a lock.
        let left = remaining.wrappingSubtract(times, ordering: .relaxed).newValue
        if left == 0 { finish() }
    }

    private func finish() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .done }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        waiter?.resume()
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state -> Bool in
                if case .done = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }
}
