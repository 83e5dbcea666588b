import Synchronization

/// Durations sorted into fixed buckets; shaped like swift-metrics' `Timer`. Exposed in seconds.
///
/// A record costs a binary search over the bounds and two relaxed atomic adds.
public final class Timer: Sendable {
    /// The bounds that a timer has by default: 50 µs to 30 s, each 2 to 2.5 times the one before.
    public static let defaultBuckets: [Duration] = [
        .microseconds(50), .microseconds(100), .microseconds(250), .microseconds(500), .milliseconds(1),
        .microseconds(2_500), .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50),
        .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1), .milliseconds(2_500), .seconds(5),
        .seconds(10), .seconds(30),
    ]

    /// The upper bounds in nanoseconds, inclusive, ascending; a last bucket without a bound is always there.
    let bounds: [Int64]
    private let counts: AtomicCounts
    private let sum = Atomic<Int64>(0)

    init(bounds: [Int64]) {
        self.bounds = bounds
        counts = AtomicCounts(count: bounds.count + 1)
    }

    /// Records a duration; a negative one counts as zero.
    public func record(_ duration: Duration) { recordNanoseconds(duration.wholeNanoseconds) }

    /// Records a duration in nanoseconds; a negative one counts as zero.
    public func recordNanoseconds(_ nanoseconds: Int64) {
        let nanoseconds = max(0, nanoseconds)
        counts.increment(lowerBound(of: nanoseconds, in: bounds))
        sum.wrappingAdd(nanoseconds, ordering: .relaxed)
    }

    /// Records the time between two instants.
    public func recordInterval(since start: MonotonicInstant, end: MonotonicInstant) {
        record(end - start)
    }

    func snapshot() -> HistogramSnapshot {
        HistogramSnapshot(
            bounds: bounds.map { Double($0) / 1e9 }, counts: counts.load(),
            sum: Double(sum.load(ordering: .relaxed)) / 1e9)
    }
}
