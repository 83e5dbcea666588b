import SpillwayCore
import Synchronization

/// A clock that moves only when the test says so.
final class ManualTime: TimeSource {
    private let nanoseconds = Mutex<UInt64>(1_000_000_000)

    func now() -> MonotonicInstant { MonotonicInstant(nanoseconds: nanoseconds.withLock { $0 }) }

    func wallMilliseconds() -> Int64 { Int64(now().nanoseconds / 1_000_000) }

    func sleep(until deadline: MonotonicInstant) async throws {
        while now() < deadline { try await Task.sleep(for: .milliseconds(1)) }
    }

    func advance(by duration: Duration) {
        let delta = duration.components
        nanoseconds.withLock { $0 += UInt64(delta.seconds) * 1_000_000_000 + UInt64(delta.attoseconds / 1_000_000_000) }
    }
}
