import SpillwayCore
import Synchronization

/// Stands still until it is told to go on.
final class StoppedTime: TimeSource {
    private let instant = Mutex(MonotonicInstant(nanoseconds: 1_000_000_000))

    func advance(_ duration: Duration) { instant.withLock { $0 = $0 + duration } }

    func now() -> MonotonicInstant { instant.withLock { $0 } }
    func wallMilliseconds() -> Int64 { SystemTimeSource().wallMilliseconds() }
    func sleep(until instant: MonotonicInstant) async throws { try await Task.sleep(for: .seconds(3_600)) }
}
