import Synchronization

/// Stops a task at a point until the test lets it go on; the test can wait until somebody has come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrivals = 0
        var stopped: [CheckedContinuation<Void, Never>] = []
        var awaiting: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// Comes to the gate, and waits if it is closed. Cancellation does not open it.
    func pass() async {
        await withCheckedContinuation { continuation in
            let due = state.withLock { state in
                state.arrivals += 1
                var due = state.awaiting.filter { $0.count <= state.arrivals }.map(\.continuation)
                state.awaiting.removeAll { $0.count <= state.arrivals }
                if state.isOpen { due.append(continuation) } else { state.stopped.append(continuation) }
                return due
            }
            for continuation in due { continuation.resume() }
        }
    }

    /// Waits until so many have come.
    func arrivals(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrivals < count { state.awaiting.append((count, continuation)) }
                return state.arrivals >= count
            }
            if isThere { continuation.resume() }
        }
    }

    /// Lets everybody through, now and from now on.
    func open() {
        let stopped = state.withLock { state in
            state.isOpen = true
            defer { state.stopped = [] }
            return state.stopped
        }
        for continuation in stopped { continuation.resume() }
    }

    /// How many have come so far.
    var count: Int { state.withLock { $0.arrivals } }
}

/// Waits until a condition holds; false after ten seconds.
func eventually(_ condition: () -> Bool) async -> Bool {
    for _ in 0..<10_000 {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return condition()
}
