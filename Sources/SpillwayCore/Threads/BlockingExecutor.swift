/// A few named threads for calls that may block: files, fsync, C libraries that wait.
///
/// It is a `TaskExecutor`, so that a task can prefer it (whoever hands it to a task keeps it alive until that task is
/// done), and ``run(_:)`` brings single calls over. What waits for a thread is not limited here: each waiting call is
/// a suspended task, and the limits on those hold.
public final class BlockingExecutor: TaskExecutor {
    /// The name of the threads; tools show 15 bytes of it.
    public let name: String
    private let monitor: Monitor<State>
    private let threads: [NativeThread]

    private struct State: Sendable {
        var jobs = Deque<@Sendable () -> Void>()
        var idleThreads = 0
        var isShutDown = false
    }

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - name: The name of the threads.
    ///   - threads: How many; 1 to 1,024.
    ///   - nice: Their nice value, -20 to 19; default 0. Below 0 needs a privilege; a refusal is ignored.
    public init(name: String, threads: Int, nice: Int = 0) {
        precondition((1...1_024).contains(threads), "an executor has 1 to 1,024 threads")
        let monitor = Monitor(State())
        self.name = name
        self.monitor = monitor
        self.threads = (0..<threads).map { _ in
            NativeThread(name: name, nice: nice) { Self.work(monitor) }
        }
    }

    deinit {
        monitor.withLock { $0.isShutDown = true }
        monitor.broadcast()
    }

    /// How many calls wait for a thread.
    package var waitingCount: Int { monitor.withLock { $0.jobs.count } }

    /// Runs a body that may block on one of the threads, in the order of the calls if there is one thread.
    ///
    /// Cancellation of the task does not stop a body that waits or runs.
    ///
    /// - Throws: What the body throws; ``BlockingExecutorError`` after ``shutdown()``, and then the body did not run.
    public func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Result, any Error>) in
            let isTaken = submit {
                continuation.resume(with: Swift.Result(catching: body))
            }
            if !isTaken { continuation.resume(throwing: BlockingExecutorError.shutDown(name)) }
        }
    }

    /// Runs a body that may block on one of the threads, for a caller that does not wait.
    ///
    /// - Returns: False after ``shutdown()``, and then the body will not run.
    package func execute(_ body: @escaping @Sendable () -> Void) -> Bool { submit(body) }

    /// Runs a piece of a task; called by Swift. After ``shutdown()`` the default pool runs it, so that no task hangs.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = unsafe asUnownedTaskExecutor()
        // Safe: whoever prefers an executor keeps it alive while its tasks run, and a job is run exactly once.
        let isTaken = submit { unsafe job.runSynchronously(on: executor) }
        if !isTaken { globalConcurrentExecutor.enqueue(job) }
    }

    /// Refuses new calls, runs those that wait, and joins the threads; may be called again, not by one of the threads.
    ///
    /// Blocks until the last body has returned.
    public func shutdown() {
        monitor.withLock { $0.isShutDown = true }
        monitor.broadcast()
        for thread in threads { thread.join() }
    }

    private func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let (isTaken, wakes) = monitor.withLock { state in
            if state.isShutDown { return (false, false) }
            state.jobs.append(job)
            return (true, state.idleThreads > 0)
        }
        if wakes { monitor.signal() }
        return isTaken
    }

    private static func work(_ monitor: Monitor<State>) {
        while true {
            var isIdle = false
            let job: (@Sendable () -> Void)?? = monitor.wait { state in
                let job = state.jobs.popFirst()
                if job == nil && !state.isShutDown {
                    if !isIdle { state.idleThreads += 1 }
                    isIdle = true
                    return nil
                }
                if isIdle { state.idleThreads -= 1 }
                return .some(job)
            }
            guard let job, let job else { return }
            job()
        }
    }
}
