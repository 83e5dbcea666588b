import SpillwayCore
import Testing

@Suite struct DequeTests {
    @Test(arguments: [UInt64(1), 2, 3])
    func agreesWithAnArrayOnARandomWalk(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var deque = Deque<Int>()
        var array: [Int] = []
        for step in 0..<5_000 {
            switch random.next() % 16 {
            case 0..<7:
                deque.append(step)
                array.append(step)
            case 7..<9:
                deque.prepend(step)
                array.insert(step, at: 0)
            case 9 where step % 50 == 0:
                #expect(deque.removeAll() == array)
                array = []
            default: #expect(deque.popFirst() == (array.isEmpty ? nil : array.removeFirst()))
            }
            #expect(deque.count == array.count && deque.first == array.first && deque.isEmpty == array.isEmpty)
        }
        #expect(deque.removeAll() == array)
    }

    @Test func letsGoOfWhatItGaveOut() {
        final class Thing: Sendable {}
        var deque = Deque<Thing>()
        weak var seen: Thing?
        do {
            let thing = Thing()
            seen = thing
            deque.append(thing)
        }
        _ = deque.popFirst()
        #expect(seen == nil)
        #expect(deque.isEmpty)
    }
}
