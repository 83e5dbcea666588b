import SpillwayCore
import Testing

@Suite struct HDRHistogramTests {
    @Test func isExactForSmallValues() {
        var histogram = HDRHistogram(highestTrackableValue: 1_000_000, significantDigits: 3)
        for value in Int64(1)...1_000 { histogram.record(value) }
        #expect(histogram.count == 1_000)
        #expect(histogram.minimum == 1 && histogram.maximum == 1_000)
        #expect(histogram.value(atPercentile: 50) == 500)
        #expect(histogram.value(atPercentile: 99) == 990)
        #expect(histogram.value(atPercentile: 99.9) == 999)
        #expect(histogram.value(atPercentile: 100) == 1_000)
        #expect(histogram.value(atPercentile: 0) == 1)
        #expect(histogram.mean == 500.5)
        #expect(histogram.count(upTo: 10) == 10)
        #expect(histogram.count(upTo: -1) == 0)
    }

    @Test func emptyHasZeros() {
        let histogram = HDRHistogram()
        #expect(histogram.minimum == 0 && histogram.maximum == 0 && histogram.mean == 0)
        #expect(histogram.value(atPercentile: 99) == 0)
    }

    @Test func clampsAndCountsWhatIsTooLarge() {
        var histogram = HDRHistogram(highestTrackableValue: 1_000)
        histogram.record(5_000)
        histogram.record(-3)
        #expect(histogram.overflowCount == 1)
        #expect(histogram.maximum == 1_000 && histogram.minimum == 0)
        #expect(histogram.count == 2)
        histogram.reset()
        #expect(histogram.count == 0 && histogram.overflowCount == 0)
    }

    /// Percentiles differ from those of the sorted values by less than the precision, over the whole range.
    @Test(arguments: 1...4)
    func keepsItsPrecision(digits: Int) {
        var random = SplitMix64(seed: UInt64(digits))
        let highest = Int64(1) << 40
        var histogram = HDRHistogram(highestTrackableValue: highest, significantDigits: digits)
        var values: [Int64] = []
        for _ in 0..<20_000 {
            let value = Int64(random.next() >> (24 + random.next() % 40))
            values.append(value)
            histogram.record(value)
        }
        values.sort()
        var scale = 1.0
        for _ in 0..<digits { scale /= 10 }
        for hundredths in [100, 1_000, 2_500, 5_000, 7_500, 9_000, 9_900, 9_990, 9_999, 10_000] {
            let percentile = Double(hundredths) / 100
            let exact = values[(hundredths * values.count + 9_999) / 10_000 - 1]
            let got = histogram.value(atPercentile: percentile)
            #expect(got >= exact, "\(percentile)")
            #expect(Double(got - exact) <= max(1, Double(exact) * scale), "\(percentile): \(got) for \(exact)")
        }
        let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
        #expect(abs(histogram.mean - mean) <= mean * scale)
    }

    @Test func mergesAsIfRecordedInOne() {
        var one = HDRHistogram()
        var other = HDRHistogram()
        var both = HDRHistogram()
        for value in stride(from: Int64(1), to: 1_000_000, by: 997) {
            one.record(value)
            other.record(value * 31, count: 3)
            both.record(value)
            both.record(value * 31, count: 3)
        }
        one.merge(other)
        #expect(one.count == both.count && one.minimum == both.minimum && one.maximum == both.maximum)
        for percentile in stride(from: 0.0, through: 100, by: 2.5) {
            #expect(one.value(atPercentile: percentile) == both.value(atPercentile: percentile))
        }
    }

    @Test func takesTheLargestRange() {
        var histogram = HDRHistogram(highestTrackableValue: .max, significantDigits: 1)
        histogram.record(.max)
        histogram.record(.max - 1)
        #expect(histogram.maximum == .max)
        #expect(histogram.value(atPercentile: 50) == .max)
    }
}
