import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct SortedChunksTests {
    @Test(arguments: [2, 3, 8, 512])
    func itIsASortedSet(_ chunkSize: Int) {
        var random = SeededRandom(seed: UInt64(chunkSize))
        var chunks = SortedChunks<Int>(chunkSize: chunkSize)
        var set: Set<Int> = []
        for step in 0..<4_000 {
            let number = Int.random(in: 0..<300, using: &random)
            // Grows at first, and is empty at the end.
            if random.chance(step < 2_000 ? 0.7 : 0.1) {
                chunks.insert(number)
                set.insert(number)
            } else {
                chunks.remove(number)
                set.remove(number)
            }
            check(chunks.count == set.count && chunks.first == set.min() && chunks.last == set.max())
            guard step.isMultiple(of: 20) else { continue }
            var found: [Int] = []
            chunks.walk(from: number) { element in
                found.append(element)
                return found.count < 50
            }
            check(found == Array(set.filter { $0 >= number }.sorted().prefix(50)), "from \(number) at step \(step)")
        }
        for number in set { chunks.remove(number) }
        #expect(chunks.isEmpty)
    }
}
