/// Counts the time that a shutdown may take on a thread of its own, so that it works also when every thread of the
/// default pool is stuck. ``stop()`` ends it.
final class ShutdownWatchdog: Sendable {
    private struct State: Sendable {
        var deadline: MonotonicInstant?
        var onDeadline: (@Sendable () -> Void)?
        var isStarted = false
        var isStopped = false
    }

    private let monitor = Monitor(State())
    private let time = SystemTimeSource()

    func stop() {
        monitor.withLock { state in
            state.isStopped = true
            state.onDeadline = nil
        }
        monitor.broadcast()
    }

    /// Calls the closure once after the duration; replaces what was to be called before.
    func arm(_ duration: Duration, onDeadline: @escaping @Sendable () -> Void) {
        let deadline = time.now() + duration
        let starts = monitor.withLock { state in
            state.deadline = deadline
            state.onDeadline = onDeadline
            defer { state.isStarted = true }
            return !state.isStarted
        }
        monitor.broadcast()
        // Nobody joins the thread: it may be in a call that does not come back.
        if starts { _ = NativeThread(name: "shutdown") { [monitor, time] in Self.watch(monitor, time) } }
    }

    private static func watch(_ monitor: Monitor<State>, _ time: SystemTimeSource) {
        var known: MonotonicInstant = .distantFuture
        while true {
            let due: (stop: Bool, call: (@Sendable () -> Void)?)? = monitor.wait(until: known) { state in
                if state.isStopped { return (true, nil) }
                guard let deadline = state.deadline else { return nil }
                if time.now() >= deadline {
                    let call = state.onDeadline
                    state.deadline = nil
                    state.onDeadline = nil
                    return (false, call)
                }
                // Another deadline than the one that this wait runs to: start the wait anew.
                return deadline == known ? nil : (false, nil)
            }
            if let due, due.stop { return }
            due?.call?()
            known = monitor.withLock { $0.deadline } ?? .distantFuture
        }
    }
}
