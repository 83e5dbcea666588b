import Synchronization

/// Runs what the handlers of one simulated process do, one job at a time and only when told: between two suspensions
/// anything else of the simulation may happen, and a process that is not run any more has died at a suspension.
final class SimulatedExecutor: TaskExecutor {
    private let jobs = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// How many jobs could run now.
    var readyCount: Int { jobs.withLock { $0.count } }

    /// Runs a job to its next suspension, on the caller's thread.
    ///
    /// - Parameter place: which, below ``readyCount``: a pool of threads keeps no order either.
    func run(_ place: Int) {
        let job = jobs.withLock { $0.remove(at: place) }
        job.runSynchronously(on: asUnownedTaskExecutor())
    }
}
