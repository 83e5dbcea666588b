/// Values sorted into fixed buckets (Prometheus' histogram); shaped like swift-metrics' `Recorder`.
///
/// A record costs a binary search over the bounds and two atomic operations.
public final class Recorder: Sendable {
    /// The upper bounds, inclusive, ascending; a last bucket without a bound is always there.
    public let buckets: [Double]
    private let counts: AtomicCounts
    private let sum = AtomicDouble()

    init(buckets: [Double]) {
        self.buckets = buckets
        counts = AtomicCounts(count: buckets.count + 1)
    }

    /// Records a value; one that is not a number is left out.
    public func record(_ value: Double) {
        guard !value.isNaN else { return }
        counts.increment(lowerBound(of: value, in: buckets))
        sum.add(value)
    }

    /// Records a value.
    public func record(_ value: Int) { record(Double(value)) }

    func snapshot() -> HistogramSnapshot { HistogramSnapshot(bounds: buckets, counts: counts.load(), sum: sum.load()) }
}

/// The index of the first bound that is not below the value; `bounds.count` if there is none.
func lowerBound<Value: Comparable>(of value: Value, in bounds: [Value]) -> Int {
    var low = 0
    var high = bounds.count
    while low < high {
        let middle = (low + high) / 2
        if bounds[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
}

/// The counts of a histogram at one moment; not cumulative.
struct HistogramSnapshot {
    var bounds: [Double]
    var counts: [Int64]
    var sum: Double
}
