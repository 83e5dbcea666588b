/// Counts values with a fixed relative precision over a wide range, so that high percentiles are exact to it.
///
/// Gil Tene's High Dynamic Range Histogram (https://hdrhistogram.github.io/HdrHistogram/): values share a count with
/// those that agree with them in the given number of significant decimal digits. Recording is O(1), without
/// allocating. It is a value without a lock: each thread fills its own, and ``merge(_:)`` adds them up.
public struct HDRHistogram: Sendable {
    /// The largest value that is told apart from larger ones.
    public let highestTrackableValue: Int64
    /// How many decimal digits of a value are kept.
    public let significantDigits: Int

    // A bucket holds values of one magnitude; its sub-buckets split it evenly. The lower half of the sub-buckets of
    // all buckets but the first is covered by the bucket before, so only the upper half is stored.
    private let halfMagnitude: Int
    private var counts: [Int64]

    /// How many values were recorded.
    public private(set) var count: Int64 = 0
    /// How many of them were larger than ``highestTrackableValue``; they count as that value.
    public private(set) var overflowCount: Int64 = 0
    private var smallest = Int64.max
    private var largest: Int64 = 0

    /// Makes an empty histogram.
    ///
    /// - Parameters:
    ///   - highestTrackableValue: At least 2; default one hour in nanoseconds.
    ///   - significantDigits: 1 to 5; default 3, which is 264 KiB with the default range.
    public init(highestTrackableValue: Int64 = 3_600_000_000_000, significantDigits: Int = 3) {
        precondition((1...5).contains(significantDigits), "1 to 5 significant digits are allowed")
        precondition(highestTrackableValue >= 2, "the highest value is at least 2")
        self.highestTrackableValue = highestTrackableValue
        self.significantDigits = significantDigits
        var resolution: Int64 = 2
        for _ in 0..<significantDigits { resolution *= 10 }
        // Enough sub-buckets to tell all values up to twice ten to the digits apart.
        halfMagnitude = 63 - (resolution - 1).leadingZeroBitCount
        counts = []
        counts = Array(repeating: 0, count: index(of: highestTrackableValue) + 1)
    }

    /// Records a value, several times if asked; a negative one counts as zero.
    public mutating func record(_ value: Int64, count times: Int64 = 1) {
        guard times > 0 else { return }
        let value = max(0, value)
        if value > highestTrackableValue { overflowCount += times }
        let kept = min(value, highestTrackableValue)
        counts[index(of: kept)] += times
        count += times
        smallest = min(smallest, kept)
        largest = max(largest, kept)
    }

    /// The smallest value; 0 if there is none.
    public var minimum: Int64 { count == 0 ? 0 : smallest }

    /// The largest value, at most ``highestTrackableValue``; 0 if there is none.
    public var maximum: Int64 { largest }

    /// The mean, to the histogram's precision; 0 if there is no value.
    public var mean: Double {
        if count == 0 { return 0 }
        var sum = 0.0
        for (index, times) in counts.enumerated() where times > 0 {
            let (low, high) = range(of: index)
            sum += (Double(low) + Double(high)) / 2 * Double(times)
        }
        return sum / Double(count)
    }

    /// The value that so many percent of the values do not pass, to the histogram's precision: the largest value
    /// that shares its count, at most ``maximum``. 0 if there is no value.
    ///
    /// - Parameter percentile: 0 to 100; what is outside counts as the nearest of them.
    public func value(atPercentile percentile: Double) -> Int64 {
        if count == 0 { return 0 }
        let share = min(max(percentile, 0), 100) / 100
        // A hair less, so that what rounding added (99.9 % of 1,000 comes to a little over 999) does not count.
        let rank = max(1, Int64((share * Double(count) * (1 - 1e-14)).rounded(.up)))
        var seen: Int64 = 0
        for (index, times) in counts.enumerated() where times > 0 {
            seen += times
            if seen >= rank { return max(smallest, min(range(of: index).high, largest)) }
        }
        return largest
    }

    /// How many of the values are at most this one, to the histogram's precision.
    public func count(upTo value: Int64) -> Int64 {
        if value < 0 { return 0 }
        let last = index(of: min(value, highestTrackableValue))
        return counts[...last].reduce(0, +)
    }

    /// Adds the values of another histogram; both must have been made alike.
    public mutating func merge(_ other: HDRHistogram) {
        precondition(
            other.highestTrackableValue == highestTrackableValue && other.significantDigits == significantDigits,
            "only histograms of one range and precision can be merged")
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        overflowCount += other.overflowCount
        smallest = min(smallest, other.smallest)
        largest = max(largest, other.largest)
    }

    /// Forgets all values.
    public mutating func reset() {
        self = HDRHistogram(highestTrackableValue: highestTrackableValue, significantDigits: significantDigits)
    }

    private func index(of value: Int64) -> Int {
        let mask = (Int64(1) << (halfMagnitude + 1)) - 1
        let bucket = 63 - (value | mask).leadingZeroBitCount - halfMagnitude
        let subBucket = Int(value >> Int64(bucket))
        // The first bucket has both halves, each later one only its upper half.
        return (bucket << halfMagnitude) + subBucket
    }

    /// The smallest and the largest value that share a count.
    private func range(of index: Int) -> (low: Int64, high: Int64) {
        let bucket = max(0, (index >> halfMagnitude) - 1)
        let subBucket = index - (bucket << halfMagnitude)
        let low = Int64(subBucket) << Int64(bucket)
        return (low, low + ((1 << Int64(bucket)) - 1))
    }
}
