// Compiled as one module, the types of pthread.h count as CLibuv's, whose header includes it.
import CLibuv
import Glibc

/// A mutex and a condition variable of the operating system; ``Monitor`` puts state under them.
// Safe: both C objects live at fixed addresses, are made in `init` and destroyed in `deinit`, when no thread can wait
// any more, since each waiter holds a reference. Unchecked: both are made to be shared.
@safe
package final class ConditionLock: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    /// Makes a lock that nobody holds.
    package init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe condition.initialize(to: pthread_cond_t())
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        precondition(unsafe pthread_mutex_init(mutex, nil) == 0, "no mutex could be made")
        precondition(unsafe pthread_cond_init(condition, &attributes) == 0, "no condition variable could be made")
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Waits for the lock and takes it.
    package func lock() { unsafe pthread_mutex_lock(mutex) }

    /// Gives the lock back; only by the thread that took it.
    package func unlock() { unsafe pthread_mutex_unlock(mutex) }

    /// Wakes one waiter, if there is one.
    package func signal() { unsafe pthread_cond_signal(condition) }

    /// Wakes all waiters.
    package func broadcast() { unsafe pthread_cond_broadcast(condition) }

    /// Gives the lock back, waits to be woken, and takes the lock again; may also return without a reason.
    ///
    /// - Returns: False if the deadline has passed.
    package func wait(until deadline: MonotonicInstant) -> Bool {
        if deadline == .distantFuture {
            unsafe pthread_cond_wait(condition, mutex)
            return true
        }
        var time = timespec(
            tv_sec: Int(deadline.nanoseconds / 1_000_000_000), tv_nsec: Int(deadline.nanoseconds % 1_000_000_000))
        return unsafe pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
    }
}
