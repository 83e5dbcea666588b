// Compiled as one module, the types of pthread.h count as CLibuv's, whose header includes it.
import CLibuv
import Glibc

/// State that threads share, and a way to wait until it changes (a lock with a condition variable).
///
/// For threads of our own only: waiting blocks, so tasks on the default pool or on an event loop must not.
// Unchecked: the state is touched only while the lock is held. Safe: both C objects live at fixed addresses, are made
// in `init` and destroyed in `deinit`, when no thread can wait any more, since each waiter holds a reference.
@safe
package final class Monitor<State: Sendable>: @unchecked Sendable {
    private var state: State
    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// Makes a monitor around a state.
    package init(_ state: State) {
        self.state = state
        unsafe lock = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe lock.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        precondition(unsafe pthread_mutex_init(lock, nil) == 0, "no mutex could be made")
        precondition(unsafe pthread_cond_init(condition, &attributes) == 0, "no condition variable could be made")
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(lock)
        unsafe condition.deallocate()
        unsafe lock.deallocate()
    }

    /// Works on the state under the lock.
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        return try body(&state)
    }

    /// Wakes one waiter, if there is one.
    package func signal() { unsafe pthread_cond_signal(condition) }

    /// Wakes all waiters.
    package func broadcast() { unsafe pthread_cond_broadcast(condition) }

    /// Waits until the closure, which runs under the lock, returns something.
    ///
    /// - Parameter deadline: When to give up; default never.
    /// - Returns: What the closure returned; nil if the deadline passed first.
    package func wait<Result>(
        until deadline: MonotonicInstant = .distantFuture, for ready: (inout State) -> Result?
    ) -> Result? {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        while true {
            if let result = ready(&state) { return result }
            if deadline == .distantFuture {
                unsafe pthread_cond_wait(condition, lock)
                continue
            }
            var time = timespec(
                tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
            if unsafe pthread_cond_timedwait(condition, lock, &time) == ETIMEDOUT { return ready(&state) }
        }
    }
}
