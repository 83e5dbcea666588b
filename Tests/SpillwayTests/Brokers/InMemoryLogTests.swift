import Testing

@testable import Spillway

@Suite struct InMemoryLogTests {
    private func record(_ low: UInt64) -> Record {
        Record(key: nil, value: [1, 2, 3], position: Position(high: 1, low: low), timestampMs: Int64(low))
    }

    @Test func aRecordThatWasDroppedIsNotKept() {
        var log = InMemoryLog()
        weak var dropped: RecordStorage?
        do {
            let first = record(1)
            dropped = first.storage
            log.append(first)
        }
        log.append(record(2))
        #expect(dropped != nil)
        check(log.dropFirst() == 3)
        #expect(dropped == nil)
    }

    @Test func whatIsLeftIsReadInOrderAfterManyHaveGone() {
        var log = InMemoryLog()
        for low in 1...5_000 {
            log.append(record(UInt64(low)))
            if low > 100 { check(log.dropFirst() == 3) }
        }
        check(log.count == 100 && log.bytes == 300)
        check(log.firstPosition == Position(high: 1, low: 4_901))
        func lows(_ from: UInt64, _ maxRecords: Int, _ maxBytes: Int) -> [UInt64?] {
            log.read(from: Position(high: 1, low: from), maxRecords: maxRecords, maxBytes: maxBytes)
                .map(\.position?.low)
        }
        check(lows(1, 3, 100) == [4_901, 4_902, 4_903] && lows(4_999, 10, 100) == [4_999, 5_000])
        check(lows(4_950, 10, 4) == [4_950, 4_951] && lows(5_001, 10, 100).isEmpty)
        check(log.count(from: Position(high: 1, low: 4_990)) == 11 && log.count(from: .start) == 100)
        check(log.firstPosition { $0.timestampMs >= 4_950 } == Position(high: 1, low: 4_950))
        check(log.firstPosition { $0.timestampMs > 5_000 } == nil)
    }
}
