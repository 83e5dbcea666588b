// Compiled as one module, timespec counts as CLibuv's, whose header includes it.
import CLibuv
import Glibc

/// The machine's clocks: `CLOCK_MONOTONIC`, and `CLOCK_REALTIME` for the wall.
public struct SystemTimeSource: TimeSource {
    /// Makes a source; all are alike.
    public init() {}

    /// Now; the clock stands still while the machine is suspended.
    @inlinable
    public func now() -> MonotonicInstant { MonotonicInstant(nanoseconds: Self.read(monotonic: true)) }

    /// Milliseconds since 1970 UTC.
    public func wallMilliseconds() -> Int64 { Int64(Self.read(monotonic: false) / 1_000_000) }

    /// Nanoseconds since 1970 UTC.
    public func wallNanoseconds() -> Int64 { Int64(Self.read(monotonic: false)) }

    /// Waits until the instant, or a little longer.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(until deadline: MonotonicInstant) async throws {
        let instant = now()
        guard instant < deadline else { return try Task.checkCancellation() }
        try await Task.sleep(for: deadline - instant, tolerance: .zero, clock: .suspending)
    }

    @usableFromInline
    static func read(monotonic: Bool) -> UInt64 {
        var time = timespec()
        // Safe: the call fills the structure that is handed over. It can't fail for these two clocks.
        unsafe clock_gettime(monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
