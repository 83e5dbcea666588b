import SpillwayCore
import Synchronization
import Testing

@testable import Spillway

@Suite struct WorkSlotTests {
    /// How often each record has come back.
    private final class Tally: Sendable {
        let counts: Mutex<[Int]>
        let isDone = Atomic(false)

        init(_ count: Int) { counts = Mutex([Int](repeating: 0, count: count)) }

        func count(_ ends: [WorkEnd], _ rest: [WorkRecord]) {
            counts.withLock { counts in
                for number in ends.map(\.number) + rest.map(\.number) { counts[number] += 1 }
            }
        }
    }

    private func records(_ count: Int) -> [WorkRecord] {
        (0..<count).map { number in
            let context = HandlingContext(
                record: Record(key: nil, value: nil, position: nil, timestampMs: 0),
                partition: TopicPartition(source: "s", topic: "t", partition: 0))
            return WorkRecord(
                context: context, number: number, lane: number, generation: 1, rounds: 0, received: .zero)
        }
    }

    @Test func `a worker that nobody relieves hands all ends out once, with what failed`() {
        let slot = WorkSlot()
        slot.begin(7, records(3))
        #expect(slot.claim(0))
        slot.note(.retry(at: .zero), at: 0)
        #expect(slot.claim(1))
        #expect(slot.claim(2))
        let ends = slot.takeEnds(3)
        #expect(ends.map(\.number) == [0, 1, 2])
        #expect(ends.map(\.result) == [.retry(at: .zero), .finished, .finished])
        #expect(slot.takeEnds(0).isEmpty)
    }

    @Test func `a worker that goes on between two looks is not relieved`() {
        let slot = WorkSlot()
        slot.begin(7, records(4))
        #expect(slot.relieve { _, _, _ in Issue.record("nothing has begun") })
        for place in 0..<4 {
            #expect(slot.claim(place))
            #expect(slot.relieve { _, _, _ in Issue.record("place \(place) was only seen once") })
        }
        #expect(slot.takeEnds(4).count == 4)
        #expect(!slot.relieve { _, _, _ in Issue.record("it has no work") })
    }

    @Test func `a worker at one record for two looks keeps that record only`() {
        let slot = WorkSlot()
        slot.begin(7, records(5))
        #expect(slot.claim(0))
        slot.note(.retry(at: .zero), at: 0)
        #expect(slot.claim(1))
        #expect(slot.claim(2))
        #expect(slot.relieve { _, _, _ in Issue.record("seen once") })
        var relieved = false
        let hasMore = slot.relieve { id, ends, rest in
            relieved = true
            #expect(id == 7)
            #expect(ends.map(\.number) == [0, 1])
            #expect(ends.map(\.result) == [.retry(at: .zero), .finished])
            #expect(rest.map(\.number) == [3, 4])
        }
        #expect(relieved && !hasMore)
        #expect(!slot.claim(3), "what was taken away is not begun")
        #expect(slot.takeEnds(3).map(\.number) == [2])
    }

    @Test func `each record is ended once or taken away once, however relief and work fall together`() async {
        // So short that looks often fall between the end of a record and the begin of the next.
        @inline(never) func handle(_ turns: Int) -> Int { (0..<turns).reduce(0, &+) }
        for round in 0..<10_000 {
            let slot = WorkSlot()
            let all = records(32)
            let tally = Tally(all.count)
            slot.begin(UInt64(round), all)
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    var place = 0
                    while place < all.count, slot.claim(place) {
                        _ = handle((place * 7 + round) % 40)
                        place += 1
                    }
                    tally.count(slot.takeEnds(place), [])
                    tally.isDone.store(true, ordering: .releasing)
                }
                group.addTask {
                    while !tally.isDone.load(ordering: .acquiring) {
                        for _ in 0..<50 { _ = slot.relieve { _, ends, rest in tally.count(ends, rest) } }
                        await Task.yield()
                    }
                }
            }
            check(tally.counts.withLock { $0 } == [Int](repeating: 1, count: all.count), "round \(round)")
        }
    }
}
