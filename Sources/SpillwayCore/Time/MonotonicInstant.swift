/// A point on a clock that never goes back, in nanoseconds since an unknown start; comparable within one process only.
public struct MonotonicInstant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's start.
    public var nanoseconds: UInt64

    /// Makes an instant.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// The clock's start.
    public static let zero = MonotonicInstant(nanoseconds: 0)
    /// Later than every real instant: no deadline.
    public static let distantFuture = MonotonicInstant(nanoseconds: .max)

    /// The earlier one first.
    @inlinable
    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Moves by a duration; stays within zero and ``distantFuture``.
    public static func + (instant: Self, duration: Duration) -> Self {
        let delta = duration.wholeNanoseconds
        if delta >= 0 {
            let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(UInt64(delta))
            return overflow ? .distantFuture : Self(nanoseconds: sum)
        }
        let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(delta.magnitude)
        return overflow ? .zero : Self(nanoseconds: difference)
    }

    /// Moves back by a duration; stays within zero and ``distantFuture``.
    public static func - (instant: Self, duration: Duration) -> Self { instant + (.zero - duration) }

    /// Moves by a duration.
    public static func += (instant: inout Self, duration: Duration) { instant = instant + duration }

    /// The time from the right one to the left one; negative if the left one is earlier. Beyond 292 years it stays
    /// there.
    public static func - (left: Self, right: Self) -> Duration {
        if left.nanoseconds >= right.nanoseconds {
            return .nanoseconds(Int64(clamping: left.nanoseconds - right.nanoseconds))
        }
        return .nanoseconds(-Int64(clamping: right.nanoseconds - left.nanoseconds))
    }
}

extension Duration {
    /// Whole nanoseconds, rounded toward zero; what is longer than 292 years stays at that.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        if overflowed { return seconds < 0 ? .min : .max }
        return sum
    }

    /// Seconds as a floating point number.
    public var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
