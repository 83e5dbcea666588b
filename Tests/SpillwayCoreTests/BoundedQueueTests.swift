import SpillwayCore
import Testing

@Suite struct BoundedQueueTests {
    @Test func refusesWhatPassesALimit() {
        var queue = BoundedQueue<String>(maximumRecords: 2, maximumBytes: 10)
        #expect(queue.append("a", bytes: 4) == true)
        #expect(queue.append("b", bytes: 7) == false, "bytes")
        #expect(queue.append("c", bytes: 6) == true)
        #expect(queue.append("d", bytes: 0) == false, "records")
        #expect(queue.bytes == 10)
        #expect(queue.popFirst() == "a")
        #expect(queue.bytes == 6)
        #expect(queue.append("e", bytes: 4) == true)
        #expect(queue.removeAll() == ["c", "e"])
        #expect(queue.bytes == 0 && queue.isEmpty)
        #expect(queue.append("larger than all", bytes: 11) == false)
        #expect(queue.append("overflow", bytes: .max) == false)
    }

    @Test func takesUpToBothLimits() {
        var queue = BoundedQueue<Int>(maximumRecords: 10, maximumBytes: 1_000)
        for size in [100, 10, 10, 10, 500] { #expect(queue.append(size, bytes: size) == true) }
        #expect(queue.popFirst(maximumRecords: 9, maximumBytes: 50) == [100], "one goes, whatever its size")
        #expect(queue.popFirst(maximumRecords: 2, maximumBytes: 50) == [10, 10])
        #expect(queue.popFirst(maximumRecords: 9, maximumBytes: 509) == [10])
        #expect(queue.bytes == 500 && queue.first == 500)
        #expect(queue.popFirst(maximumRecords: 0, maximumBytes: 0) == [500])
        #expect(queue.popFirst(maximumRecords: 1, maximumBytes: 1).isEmpty)
    }
}
