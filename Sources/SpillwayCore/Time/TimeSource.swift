/// Where time comes from; handed in, so that tests and the simulation own it.
public protocol TimeSource: Sendable {
    /// Now, on a clock that never goes back.
    func now() -> MonotonicInstant

    /// Milliseconds since 1970 UTC, for stamps that leave the process; may go back when someone sets the clock.
    func wallMilliseconds() -> Int64

    /// Nanoseconds since 1970 UTC, as fine as the clock is; by default whole milliseconds.
    func wallNanoseconds() -> Int64

    /// Waits until the instant; returns at once if it has passed.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(until deadline: MonotonicInstant) async throws
}

extension TimeSource {
    /// Whole milliseconds, in nanoseconds.
    public func wallNanoseconds() -> Int64 { wallMilliseconds() * 1_000_000 }

    /// Waits for a duration.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(for duration: Duration) async throws { try await sleep(until: now() + duration) }
}
