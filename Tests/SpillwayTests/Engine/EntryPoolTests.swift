import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct EntryPoolTests {
    private func entry(_ place: UInt64) -> LaneEntry {
        let record = Record(key: nil, value: nil, position: Position(high: 1, low: place), timestampMs: 0)
        return LaneEntry(record: record, epoch: 1, slot: 0, place: place, bytes: Int(place % 7))
    }

    @Test func aFreeSlotIsUsedAgainAndKeepsNoBytes() {
        var pool = EntryPool()
        let first = pool.add(entry(1))
        let second = pool.add(entry(2))
        pool.remove(first)
        check(pool.count == 1 && pool[first].record.position == nil && pool[first].place == nil)
        check(pool.add(entry(3)) == first)
        check(pool[first].place == 3 && pool[second].place == 2 && pool.next(first) == -1)
    }

    @Test func listsWalkAgainstArrays() {
        for seed in UInt64(0)..<60 {
            var random = SeededRandom(seed: seed)
            var pool = EntryPool()
            var lists = [EntryList](repeating: EntryList(), count: 3)
            var model = [[UInt64]](repeating: [], count: 3)
            var loose: [(number: Int, place: UInt64)] = []
            var place: UInt64 = 0
            for _ in 0..<800 {
                let index = Int.random(in: 0..<3, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<4:
                    place += 1
                    lists[index].append(pool.add(entry(place)), in: &pool)
                    model[index].append(place)
                case 4..<7:
                    let number = lists[index].popFirst(in: &pool)
                    check((number == nil) == model[index].isEmpty)
                    guard let number else { continue }
                    loose.append((number, model[index].removeFirst()))
                    check(pool[number].place == loose.last?.place)
                case 7 where !loose.isEmpty:
                    // A record that left one list joins another.
                    let moved = loose.removeLast()
                    lists[index].append(moved.number, in: &pool)
                    model[index].append(moved.place)
                case 8:
                    let other = (index + 1) % 3
                    lists[index].append(lists[other], in: &pool)
                    lists[other] = EntryList()
                    model[index] += model[other]
                    model[other] = []
                default:
                    for gone in loose { pool.remove(gone.number) }
                    loose = []
                }
                check(pool.count == loose.count + model.reduce(0) { $0 + $1.count })
                for (list, expected) in zip(lists, model) {
                    check(list.numbers(in: pool).map { pool[$0].place } == expected)
                    check(list.count == expected.count && list.isEmpty == expected.isEmpty)
                }
            }
        }
    }
}
