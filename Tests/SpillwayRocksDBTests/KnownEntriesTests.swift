import Spillway
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

@Suite struct KnownEntriesTests {
    private func at(_ low: UInt64) -> Position { Position(high: 1, low: low) }

    private func delayed(_ dueMs: Int64) -> KnownEntries.Location { .delayed(dueMs: dueMs, byteCount: 5) }

    @Test func ofANewPlaceEverythingIsKnown() {
        var known = KnownEntries()
        let place = known.number(of: [1])
        #expect(known.number(of: [2]) != place && known.number(of: [1]) == place)
        #expect(known.find(place, .start) == .absent)
        known.set(place, at(3), delayed(7))
        #expect(known.find(place, at(3)) == .delayed(dueMs: 7, byteCount: 5))
        #expect(known.find(place, at(2)) == .absent)
        #expect(known.find(known.number(of: [2]), at(3)) == .absent)
        known.set(place, at(3), nil)
        #expect(known.find(place, at(3)) == .absent)
    }

    @Test func ofAPlaceThatIsLoadedOnlyWhatIsAboveItsHighestIsKnown() {
        var known = KnownEntries()
        known.load([1], highest: at(5))
        let place = known.number(of: [1])
        #expect(known.find(place, at(5)) == .unknown && known.find(place, .start) == .unknown)
        #expect(known.find(place, at(6)) == .absent)
        known.load([2], highest: Position(high: .max, low: .max))
        #expect(known.find(known.number(of: [2]), Position(high: .max, low: .max)) == .unknown)
    }

    @Test func aHeldEntryIsLookedUp() {
        var known = KnownEntries()
        let place = known.number(of: [1])
        known.set(place, at(1), .held)
        #expect(known.find(place, at(1)) == .unknown)
    }

    @Test func whatIsForgottenIsLookedUp() {
        var known = KnownEntries(maxEntries: 2)
        let place = known.number(of: [1])
        for low in 1...3 as ClosedRange<UInt64> { known.set(place, at(low), delayed(0)) }
        #expect(known.find(place, at(1)) == .unknown && known.find(place, at(2)) == .unknown)
        #expect(known.find(place, at(3)) == .delayed(dueMs: 0, byteCount: 5))
        #expect(known.find(place, at(4)) == .absent)
    }

    @Test func whatAReadFindsIsKnown() {
        var known = KnownEntries()
        known.load([1], highest: at(9))
        let place = known.number(of: [1])
        known.beginRead(place)
        known.endRead(place, [(at(4), delayed(2))])
        #expect(known.find(place, at(4)) == .delayed(dueMs: 2, byteCount: 5))
        #expect(known.find(place, at(5)) == .unknown)
    }

    @Test func whatIsWrittenDuringAReadIsNotLearnedFromIt() {
        var known = KnownEntries()
        known.load([1], highest: at(9))
        let place = known.number(of: [1])
        known.beginRead(place)
        known.set(place, at(4), nil)
        known.set(place, at(5), delayed(8))
        known.endRead(place, [(at(4), delayed(2)), (at(5), delayed(2)), (at(6), delayed(2))])
        #expect(known.find(place, at(4)) == .unknown)
        #expect(known.find(place, at(5)) == .delayed(dueMs: 8, byteCount: 5))
        #expect(known.find(place, at(6)) == .delayed(dueMs: 2, byteCount: 5))
        // The next read sees it as it is.
        known.beginRead(place)
        known.endRead(place, [(at(4), delayed(3))])
        #expect(known.find(place, at(4)) == .delayed(dueMs: 3, byteCount: 5))
    }

    @Test func ofAReadDuringWhichTooMuchIsWrittenNothingIsLearned() {
        var known = KnownEntries(maxWritten: 2)
        known.load([1], highest: at(9))
        let place = known.number(of: [1])
        known.beginRead(place)
        for low in 1...3 as ClosedRange<UInt64> { known.set(place, at(low), nil) }
        known.endRead(place, [(at(3), delayed(2)), (at(4), delayed(2))])
        #expect(known.find(place, at(3)) == .unknown && known.find(place, at(4)) == .unknown)
    }

    /// Reads that begin and end at any time between writes, in views of their own.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func whatItKnowsIsTrue(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var known = KnownEntries(maxEntries: 6, maxWritten: 4)
        var stored: [[Position: KnownEntries.Location]] = [[:], [:]]
        stored[1] = [at(3): delayed(1), at(6): delayed(2)]
        known.load([1], highest: at(6))
        let places = [known.number(of: [0]), known.number(of: [1])]
        var reads: [(index: Int, view: [Position: KnownEntries.Location])] = []
        var answers = 0
        for _ in 0..<5_000 {
            let index = Int.random(in: 0...1, using: &random)
            let position = at(.random(in: 0..<12, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                let location = delayed(.random(in: 0..<100, using: &random))
                stored[index][position] = location
                known.set(places[index], position, location)
            case 2:
                stored[index][position] = nil
                known.set(places[index], position, nil)
            case 3:
                known.beginRead(places[index])
                reads.append((index, stored[index]))
            case 4:
                guard !reads.isEmpty else { continue }
                let read = reads.remove(at: Int.random(in: 0..<reads.count, using: &random))
                known.endRead(places[read.index], read.view.prefix(3).map { ($0.key, $0.value) })
            default:
                switch known.find(places[index], position) {
                case .absent: #expect(stored[index][position] == nil)
                case .delayed(let dueMs, let byteCount):
                    #expect(stored[index][position] == .delayed(dueMs: dueMs, byteCount: byteCount))
                case .unknown: continue
                }
                answers += 1
            }
        }
        #expect(answers > 100)
    }
}
