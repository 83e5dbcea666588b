import Spillway
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

/// The index of side queues against a dictionary.
@Suite struct SideIndexTests {
    private struct Stored: Equatable {
        var dueMs: Int64?
        var entry: SideRemovals.Entry?
    }

    /// An index, and what must be in it.
    private struct Walk {
        let index = SideIndex(PlaceIndex(spareRecords: 10, spareBytes: 1 << 20))
        var random: SeededRandom
        var stored: [[Position: Stored]] = [[:], [:]]
        /// The blocks that are there, and their items; the rows of removals that are there, and the blocks they name.
        var blocks: [UInt64: (place: Int, items: [SideBlock.Item])] = [:]
        var removals: [UInt64: Set<UInt64>] = [:]

        private var lastNumber: UInt64 = 0

        private mutating func takeNumber() -> UInt64 {
            lastNumber += 1
            return lastNumber
        }

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
        }

        private func place(_ number: Int) -> SidePlace { index.place([UInt8(number)]) }

        private mutating func position() -> Position { Position(high: 1, low: .random(in: 0..<120, using: &random)) }

        /// Takes an entry out of where it is.
        private mutating func take(_ place: Int, _ position: Position, _ change: inout SideIndex.Change) {
            guard let found = stored[place].removeValue(forKey: position) else { return }
            change.places[place].removed.append(position)
            guard let entry = found.entry else { return }
            if change.removal == nil { change.removal = takeNumber() }
            if let removal = change.removal { removals[removal, default: []].insert(entry.block) }
        }

        private var emptyChange: SideIndex.Change {
            SideIndex.Change(places: (0..<2).map { SideIndex.PlaceChange(place: place($0)) })
        }

        mutating func step() {
            var change = emptyChange
            var touched: Set<Int> = []
            for _ in 0..<Int.random(in: 0..<30, using: &random) {
                let (place, position) = (Int.random(in: 0..<2, using: &random), position())
                guard touched.insert(place * 1_000 + Int(position.low)).inserted else { continue }
                take(place, position, &change)
                if random.chance(0.2) {
                    change.places[place].held.append((position, 5))
                    stored[place][position] = Stored()
                }
            }
            for place in 0..<2 {
                var items: [SideBlock.Item] = []
                for _ in 0..<Int.random(in: 0..<12, using: &random) {
                    let position = position()
                    guard touched.insert(place * 1_000 + Int(position.low)).inserted else { continue }
                    take(place, position, &change)
                    items.append(
                        SideBlock.Item(
                            position: position, dueMs: .random(in: 0..<20, using: &random), byteCount: 7,
                            start: UInt32(items.count), length: 1))
                }
                put(items, in: place, &change)
            }
            apply(change)
        }

        private mutating func put(_ items: [SideBlock.Item], in place: Int, _ change: inout SideIndex.Change) {
            let items = items.sorted { ($0.dueMs, $0.position) < ($1.dueMs, $1.position) }
            guard !items.isEmpty else { return }
            let block = SideBlock(number: takeNumber(), place: [UInt8(place)], items: items)
            change.places[place].blocks.append(block)
            blocks[block.number] = (place, items)
            for item in items {
                stored[place][item.position] = Stored(
                    dueMs: item.dueMs, entry: SideRemovals.Entry(block: block.number, start: item.start))
            }
        }

        private mutating func apply(_ change: SideIndex.Change) {
            for row in index.apply(change) {
                switch row {
                case .block(let number):
                    #expect(blocks.removeValue(forKey: number) != nil)
                    #expect(!stored.contains { $0.values.contains { $0.entry?.block == number } })
                case .removals(let number): #expect(removals.removeValue(forKey: number) != nil)
                }
            }
        }

        /// Writes blocks anew; returns how many.
        mutating func clean() -> Int {
            var cleaned = 0
            for place in 0..<2 {
                for block in self.place(place).withIndex({ $0.wornBlocks(most: 4) }) {
                    var change = emptyChange
                    let items = (blocks[block]?.items ?? []).filter { item in
                        self.place(place).withIndex { $0.isThere(item, in: block) }
                    }
                    #expect(items.allSatisfy { stored[place][$0.position]?.entry?.block == block })
                    for item in items { take(place, item.position, &change) }
                    put(items, in: place, &change)
                    apply(change)
                    #expect(blocks[block] == nil)
                    cleaned += 1
                }
            }
            return cleaned
        }

        func check() {
            for place in 0..<2 {
                for low in 0..<120 as Range<UInt64> {
                    let position = Position(high: 1, low: low)
                    let expected = stored[place][position].map { stored -> SideIndex.Location in
                        stored.entry.map { .delayed(byteCount: 7, $0) } ?? .held(byteCount: 5)
                    }
                    #expect(self.place(place).withIndex { $0.location(position) } == expected)
                }
                let due = stored[place].compactMap { position, stored in stored.dueMs.map { ($0, position) } }
                    .sorted { $0 < $1 }
                let first = due.filter { $0.0 <= 9 }.prefix(7).map(\.1)
                self.place(place).withIndex { index in
                    #expect(index.nextDueMs() == due.first?.0)
                    #expect(index.due(byMs: 20, limit: 1_000).map(\.position) == due.map(\.1))
                    #expect(index.due(byMs: 9, limit: 7).map(\.position) == first)
                }
            }
            let there = Set(blocks.keys)
            // A row of removals is there as long as one of the blocks that it names is.
            #expect(removals.values.allSatisfy { !$0.isDisjoint(with: there) })
            #expect(blocks.values.allSatisfy { !$0.items.isEmpty })
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func itKnowsWhatIsThere(seed: UInt64) {
        var walk = Walk(seed: seed)
        var cleaned = 0
        for step in 0..<300 {
            walk.step()
            if step % 7 == 0 { cleaned += walk.clean() }
            if step % 5 == 0 { walk.check() }
        }
        walk.check()
        #expect(cleaned > 0)
    }

    /// As many as one chunk of the order holds, several times over, and in odd orders.
    @Test func theOrderHoldsForMany() {
        var random = SeededRandom(seed: 5)
        var dues: [Int64] = []
        var order = DueOrder()
        let position: (UInt32) -> Position = { Position(high: 0, low: UInt64($0)) }
        func check() {
            var found: [UInt32] = []
            order.settle(position)
            order.forEach {
                found.append($0.entry)
                return true
            }
            #expect(found == there.sorted { (dues[Int($0)], $0) < (dues[Int($1)], $1) })
            #expect(order.first?.entry == found.first)
        }
        var there: Set<UInt32> = []
        for entry in 0..<6_000 as Range<UInt32> {
            // First ascending, then by chance, then all at one time.
            dues.append(entry < 2_000 ? Int64(entry) : entry < 4_000 ? .random(in: 0..<3_000, using: &random) : 700)
            order.insert(DueOrder.Item(dueMs: dues[Int(entry)], entry: entry))
            // Few at a time find their places, many are merged.
            if entry < 3_000, entry % 7 == 0 { order.settle(position) }
            there.insert(entry)
        }
        check()
        while let entry = there.randomElement(using: &random) {
            order.remove(DueOrder.Item(dueMs: dues[Int(entry)], entry: entry), position)
            there.remove(entry)
            if there.count % 1_000 == 0 { check() }
        }
        #expect(order.first == nil)
    }

    @Test func aTableFindsWhatWasNotTakenOut() {
        var random = SeededRandom(seed: 6)
        let positions = (0..<400).map { _ in
            Position(high: .random(in: 0..<2, using: &random), low: .random(in: 0..<2_000, using: &random))
        }
        let numbers = Dictionary(positions.enumerated().map { ($1, UInt32($0)) }) { first, _ in first }
        let position: (UInt32) -> Position = { positions[Int($0)] }
        var table = PositionTable()
        var there: Set<Position> = []
        for _ in 0..<20_000 {
            guard let (key, number) = numbers.randomElement(using: &random) else { continue }
            if there.contains(key) {
                #expect(table.remove(at: key, position) == number)
                there.remove(key)
            } else {
                #expect(table.remove(at: key, position) == nil)
                table.insert(number, at: key, position)
                there.insert(key)
            }
            #expect(table.count == there.count)
            let other = positions[Int.random(in: 0..<400, using: &random)]
            #expect((table.number(at: other, position) != nil) == there.contains(other))
        }
    }
}
