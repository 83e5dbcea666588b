import CSpillwaySystem
import Glibc
import Synchronization

/// One thread of the operating system with a name; it starts at once and runs its body once.
package final class NativeThread: Sendable {
    private let handle: Mutex<pthread_t?>

    /// Starts a thread. Traps if the system has no more threads.
    ///
    /// - Parameters:
    ///   - name: What tools show; cut to 15 bytes.
    ///   - nice: The thread's nice value, -20 (first served) to 19; below 0 needs a privilege. A refusal is ignored. A thread above
    ///     0 interrupts no other to go on.
    ///   - body: What the thread does.
    package init(name: String, nice: Int = 0, body: @escaping @Sendable () -> Void) {
        let start = Start(name: name, nice: nice, body: body)
        var thread = pthread_t()
        // Safe: the reference is retained here and released once, by the new thread, or below if there is none.
        let context = unsafe Unmanaged.passRetained(start)
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                // Safe: `argument` is the retained reference from above, taken over exactly once.
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                unsafe spillway_set_thread_name(start.name)
                // Whoever starts it may be an event loop that stays on one processor.
                _ = spillway_use_all_processors()
                if start.nice != 0 { _ = spillway_set_thread_nice(Int32(clamping: start.nice)) }
                start.body()
                return nil
            }, context.toOpaque())
        precondition(code == 0, "no thread could be started for '\(name)': error \(code)")
        handle = Mutex(thread)
    }

    deinit {
        let thread = handle.withLock { $0 }
        if let thread { pthread_detach(thread) }
    }

    /// Runs a body that blocks, such as one that joins other threads, on a thread of its own, and waits for it without one of
    /// the pool.
    package static func run(name: String, _ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            _ = NativeThread(name: name) {
                body()
                continuation.resume()
            }
        }
    }

    /// Waits until the body has returned; from the second call on returns at once. Not to be called by the thread.
    package func join() {
        let thread = handle.withLock { handle in
            defer { handle = nil }
            return handle
        }
        guard let thread else { return }
        precondition(pthread_equal(thread, pthread_self()) == 0, "a thread can't wait for itself")
        pthread_join(thread, nil)
    }

    private final class Start: Sendable {
        let name: String
        let nice: Int
        let body: @Sendable () -> Void

        init(name: String, nice: Int, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.nice = nice
            self.body = body
        }
    }
}
