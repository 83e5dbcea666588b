import Glibc
import SpillwayCore

/// How long something takes: a distribution that a simulation draws from.
public struct ServiceTime: Hashable, Sendable {
    private enum Shape: Hashable {
        case constant
        case even
        case exponential
    }

    private let shape: Shape
    /// The mean.
    public let mean: Duration
    /// Half of the width where every time between two bounds is as likely.
    private let spread: Duration

    private init(_ shape: Shape, mean: Duration, spread: Duration = .zero) {
        precondition(mean >= .zero && spread <= mean, "a service time is zero or more")
        self.shape = shape
        self.mean = mean
        self.spread = spread
    }

    /// Always the same.
    public static func constant(_ time: Duration) -> ServiceTime { ServiceTime(.constant, mean: time) }

    /// Every time between the bounds is as likely.
    public static func even(_ bounds: ClosedRange<Duration>) -> ServiceTime {
        let spread = (bounds.upperBound - bounds.lowerBound) / 2
        return ServiceTime(.even, mean: bounds.lowerBound + spread, spread: spread)
    }

    /// Mostly short, now and then many times the mean: one in a hundred takes 4.6 times as long or longer.
    public static func exponential(mean: Duration) -> ServiceTime { ServiceTime(.exponential, mean: mean) }

    /// Draws a time.
    public func next(using random: inout SeededRandom) -> Duration {
        switch shape {
        case .constant: mean
        case .even:
            mean - spread + .nanoseconds(Int64.random(in: 0...max(0, 2 * spread.wholeNanoseconds), using: &random))
        case .exponential:
            .nanoseconds(
                Int64(-log(Double.random(in: Double.ulpOfOne...1, using: &random)) * mean.inSeconds * 1e9))
        }
    }
}
