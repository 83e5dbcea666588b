internal import SpillwayCore
internal import Synchronization

/// A thread that runs a body every so often until it is stopped.
final class CareLoop: Sendable {
    private let interval: Duration
    private let isStopped = Monitor(false)
    private let thread = Mutex<NativeThread?>(nil)

    init(interval: Duration) { self.interval = interval }

    func start(_ body: @escaping @Sendable () -> Void) {
        let (interval, isStopped) = (interval, isStopped)
        thread.withLock {
            $0 = NativeThread(name: "log-care") {
                while true {
                    let next = MonotonicInstant(nanoseconds: monotonicNanoseconds()) + interval
                    if isStopped.wait(until: next, for: { $0 ? true : nil }) != nil { return }
                    body()
                }
            }
        }
    }

    /// The thread ends, after the body if it runs.
    func tellToStop() {
        isStopped.withLock { $0 = true }
        isStopped.broadcast()
    }

    /// Ends the thread and waits for it. Blocks; not from the body.
    func stop() {
        tellToStop()
        let running = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        running?.join()
    }
}
