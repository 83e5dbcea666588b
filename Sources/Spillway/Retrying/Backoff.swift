import SpillwayCore

/// Exponential backoff with full jitter: before attempt `n + 1` it waits a time drawn evenly from zero to
/// `min(maximum, base × 2^(n - 1))`.
///
/// After Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), which finds that full jitter
/// spreads competing clients best.
public struct Backoff: Hashable, Sendable {
    /// The bound of the first wait; above zero, default 50 ms.
    public var base: Duration
    /// The bound of every wait; at least ``base``, default 10 s.
    public var maximum: Duration

    /// Makes a backoff.
    public init(base: Duration = .milliseconds(50), maximum: Duration = .seconds(10)) {
        precondition(base > .zero && maximum >= base, "a backoff needs 0 < base <= maximum")
        self.base = base
        self.maximum = maximum
    }

    /// The longest wait after that many attempts.
    public func bound(afterAttempts attempts: Int) -> Duration {
        var bound = base
        var step = 1
        while step < attempts && bound < maximum {
            bound *= 2
            step += 1
        }
        return min(bound, maximum)
    }

    /// A wait after that many attempts, drawn with full jitter.
    public func delay(afterAttempts attempts: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let nanoseconds = bound(afterAttempts: attempts).wholeNanoseconds
        return .nanoseconds(Int64.random(in: 0...nanoseconds, using: &random))
    }

    /// A wait after that many attempts, drawn with full jitter from the system's random numbers.
    public func delay(afterAttempts attempts: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return delay(afterAttempts: attempts, using: &random)
    }
}
