import Spillway
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

@Suite struct SlotIndexTests {
    @Test(arguments: [0, 1, 4, 1_000]) func eachNameKeepsItsNumber(capacity: Int) {
        var random = SeededRandom(seed: 3)
        var index = SlotIndex(capacity: capacity)
        var names: [(place: Int, position: Position)] = []
        for _ in 0..<(3 * capacity) {
            // Full of what differs little, and as many names as there is room for.
            let place = Int.random(in: 0..<3, using: &random)
            let position = Position(high: .random(in: 0..<2, using: &random), low: .random(in: 0..<512, using: &random))
            let known = names.firstIndex { $0.place == place && $0.position == position }
            if known == nil, names.count == capacity { continue }
            let number = index.number(place, position, next: names.count) { [names] in names[$0] == (place, position) }
            #expect(number == known ?? names.count)
            if known == nil { names.append((place, position)) }
        }
        #expect(names.count == capacity)
    }
}
