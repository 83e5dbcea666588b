/// State that threads share, and a way to wait until it changes (a lock with a condition variable).
///
/// For threads of our own only: waiting blocks, so tasks on the default pool or on an event loop must not.
// Unchecked: the state is touched only while the lock is held. Inlinable for the reason that `Deque` gives.
package final class Monitor<State: Sendable>: @unchecked Sendable {
    @usableFromInline var state: State
    @usableFromInline let condition = ConditionLock()

    /// Makes a monitor around a state.
    @inlinable
    package init(_ state: State) { self.state = state }

    /// Works on the state under the lock.
    @inlinable
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body(&state)
    }

    /// Wakes one waiter, if there is one.
    @inlinable
    package func signal() { condition.signal() }

    /// Wakes all waiters.
    @inlinable
    package func broadcast() { condition.broadcast() }

    /// Waits until the closure, which runs under the lock, returns something.
    ///
    /// - Parameter deadline: When to give up; default never.
    /// - Returns: What the closure returned; nil if the deadline passed first.
    @inlinable
    package func wait<Result>(
        until deadline: MonotonicInstant = .distantFuture, for ready: (inout State) -> Result?
    ) -> Result? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let result = ready(&state) { return result }
            if !condition.wait(until: deadline) { return ready(&state) }
        }
    }
}
