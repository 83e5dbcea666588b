import Synchronization

/// One load on its way: a leader runs it in its own task, the others wait for what it brings.
///
/// No task is started for a load. If the leader is cancelled the load passes to the one that waits longest, so a
/// waiter's or a leader's cancellation is felt by nobody else.
@usableFromInline
final class LoadFlight<Value: Sendable>: Sendable {
    /// What a waiter is told.
    @usableFromInline
    enum Landing: Sendable {
        case loaded(Versioned<Value>)
        case failed(any Error)
        /// The leader was cancelled: run the load yourself.
        case lead
        case cancelled
    }

    private struct State {
        var nextWaiter: UInt64 = 0
        /// In the order in which they came.
        var waiters: [(number: UInt64, continuation: CheckedContinuation<Landing, Never>)] = []
        /// Waiters that were cancelled before they had a continuation.
        var cancelledEarly: Set<UInt64> = []
        /// What a waiter that comes late is told at once; `lead` only to the first.
        var landing: Landing?
    }

    private let state = Mutex(State())

    @usableFromInline
    init() {}

    /// How many wait now.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// Waits for the leader's outcome, or until this task is cancelled.
    @usableFromInline
    func wait() async -> Landing {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let landing: Landing? = state.withLock { state in
                    if state.cancelledEarly.remove(number) != nil { return .cancelled }
                    if let landing = state.landing {
                        if case .lead = landing { state.landing = nil }
                        return landing
                    }
                    state.waiters.append((number, continuation))
                    return nil
                }
                if let landing { continuation.resume(returning: landing) }
            }
        } onCancel: {
            let waiting: CheckedContinuation<Landing, Never>? = state.withLock { state in
                if let place = state.waiters.firstIndex(where: { $0.number == number }) {
                    return state.waiters.remove(at: place).continuation
                }
                if state.landing == nil { state.cancelledEarly.insert(number) }
                return nil
            }
            waiting?.resume(returning: .cancelled)
        }
    }

    /// Tells everybody who waits, and who will, what came of it.
    @usableFromInline
    func land(_ landing: Landing) {
        let waiters = state.withLock { state in
            state.landing = landing
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: landing) }
    }

    /// Gives the load to the one that waits longest, or else to the next that comes; false if nobody waits now.
    @usableFromInline
    func handOver() -> Bool {
        let next: CheckedContinuation<Landing, Never>? = state.withLock { state in
            guard state.waiters.isEmpty else { return state.waiters.removeFirst().continuation }
            state.landing = .lead
            return nil
        }
        next?.resume(returning: .lead)
        return next != nil
    }
}
