import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

@Suite struct EmptyRangesTests {
    private func gap(_ lower: [UInt8], _ upper: [UInt8], _ marks: Int = 40) -> EmptyRanges.Gap {
        .init(lower: lower, upper: upper, marks: marks)
    }

    private func noted(_ gaps: EmptyRanges.Gap...) -> EmptyRanges {
        var ranges = EmptyRanges()
        for gap in gaps {
            let (walk, _) = ranges.begin(lower: [0], upper: [255])
            ranges.end(walk, found: [gap])
        }
        return ranges
    }

    @Test func gapsThatTouchBecomeOne() {
        #expect(noted(gap([1], [3]), gap([3], [5])).gaps == [gap([1], [5], 80)])
        #expect(noted(gap([3], [5]), gap([1], [3])).gaps == [gap([1], [5], 80)])
        #expect(noted(gap([1], [4]), gap([2], [3])).gaps == [gap([1], [4], 80)])
        #expect(noted(gap([1], [2]), gap([3], [4]), gap([2], [3])).gaps == [gap([1], [4], 120)])
        #expect(noted(gap([1], [2]), gap([3], [4])).gaps == [gap([1], [2]), gap([3], [4])])
    }

    @Test func aRowSplitsItsGap() {
        var ranges = noted(gap([1], [5]))
        ranges.put([3])
        #expect(ranges.gaps == [gap([1], [3], 20), gap([3, 0], [5], 20)])
        ranges.put([1])
        #expect(ranges.gaps == [gap([1, 0], [3], 10), gap([3, 0], [5], 20)])
        ranges.put([5])
        #expect(ranges.gaps.count == 2)
    }

    @Test func aRowThatWasPutDuringTheWalkIsInNoGap() {
        var ranges = EmptyRanges()
        let (walk, _) = ranges.begin(lower: [0], upper: [9])
        ranges.put([4])
        ranges.put([9])
        ranges.end(walk, found: [gap([1], [9])])
        #expect(ranges.gaps == [gap([1], [4], 20), gap([4, 0], [9], 20)])
    }

    @Test func aRowThatIsBeingWrittenIsInNoGap() {
        var ranges = noted(gap([1], [3]))
        var rows = KeyBatch()
        rows.append([2])
        rows.append([6])
        ranges.beginPuts(rows)
        #expect(ranges.gaps == [gap([1], [2], 20), gap([2, 0], [3], 20)])
        // It begins before they are there, and ends when they are.
        let (walk, _) = ranges.begin(lower: [5], upper: [9])
        ranges.endPuts()
        ranges.end(walk, found: [gap([5], [9])])
        #expect(ranges.gaps.suffix(2) == [gap([5], [6], 20), gap([6, 0], [9], 20)])
        // The next one sees them.
        let (next, _) = ranges.begin(lower: [6], upper: [7])
        ranges.end(next, found: [gap([6], [7])])
        #expect(ranges.gaps.suffix(1) == [gap([5], [9], 80)])
    }

    @Test func tooManyRowsDuringAWalkForgetWhatItFound() {
        var ranges = EmptyRanges(maxPuts: 3)
        let (walk, _) = ranges.begin(lower: [0], upper: [9])
        for key in 0..<4 as Range<UInt8> { ranges.put([4, key]) }
        ranges.end(walk, found: [gap([1], [9])])
        #expect(ranges.gaps.isEmpty)
    }

    @Test func theLightestGapsGoWhenThereAreTooMany() {
        var ranges = EmptyRanges(maxGaps: 8)
        let (walk, _) = ranges.begin(lower: [0], upper: [255])
        ranges.end(walk, found: (1...9).map { gap([$0], [$0, 1], 100 - Int($0)) })
        #expect(ranges.gaps.map(\.marks) == Array((94...99).reversed()))
    }

    @Test func aWalkGetsTheGapsInsideItsBounds() {
        var ranges = noted(gap([1], [3]), gap([5], [7]), gap([8], [9]))
        #expect(ranges.begin(lower: [2], upper: [6]).gaps == [gap([2], [3]), gap([5], [6])])
        #expect(ranges.begin(lower: [3], upper: [5]).gaps.isEmpty)
        var many = EmptyRanges(maxGapsInWalk: 2)
        let (walk, _) = many.begin(lower: [0], upper: [255])
        many.end(walk, found: (1...3).map { gap([$0 * 2], [$0 * 2 + 1]) })
        #expect(many.begin(lower: [0], upper: [5]).gaps.count == 2)
        #expect(many.begin(lower: [0], upper: [255]).gaps.isEmpty)
        #expect(many.gaps.isEmpty)
    }

    /// Walks that overlap with puts and removals never leave a gap with a row in it.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func noGapEverHoldsARow(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var ranges = EmptyRanges(maxGaps: 12, maxPuts: 5, maxGapsInWalk: 6)
        var rows: Set<[UInt8]> = []
        var walks: [(id: Int, lower: [UInt8], upper: [UInt8], view: [[UInt8]])] = []
        func key() -> [UInt8] {
            (0...Int.random(in: 0..<2, using: &random)).map { _ in .random(in: 0..<8, using: &random) }
        }
        for _ in 0..<5_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<3:
                let key = key()
                rows.insert(key)
                ranges.put(key)
            case 3..<6: if let key = rows.randomElement(using: &random) { rows.remove(key) }
            case 6..<8:
                let bounds = [key(), key()].sorted { $0.precedes($1) }
                let (id, known) = ranges.begin(lower: bounds[0], upper: bounds[1])
                #expect(
                    known.allSatisfy { gap in !rows.contains { !$0.precedes(gap.lower) && $0.precedes(gap.upper) } })
                let view = rows.filter { !$0.precedes(bounds[0]) && $0.precedes(bounds[1]) }
                walks.append((id, bounds[0], bounds[1], view.sorted { $0.precedes($1) }))
            default:
                guard !walks.isEmpty else { continue }
                let walk = walks.remove(at: Int.random(in: 0..<walks.count, using: &random))
                var found: [EmptyRanges.Gap] = []
                var lower = walk.lower
                for row in walk.view + [walk.upper] {
                    if random.chance(0.7) { found.append(gap(lower, row, Int.random(in: 1..<50, using: &random))) }
                    lower = row + [0]
                }
                ranges.end(walk.id, found: found)
            }
            for gap in ranges.gaps {
                let inside = rows.contains { !$0.precedes(gap.lower) && $0.precedes(gap.upper) }
                if inside || !gap.lower.precedes(gap.upper) { Issue.record("a row in \(gap)") }
            }
            for (gap, next) in zip(ranges.gaps, ranges.gaps.dropFirst()) where next.lower.precedes(gap.upper) {
                Issue.record("\(gap) and \(next) overlap")
            }
            if ranges.gaps.count > 40 { Issue.record("\(ranges.gaps.count) gaps") }
        }
    }
}
