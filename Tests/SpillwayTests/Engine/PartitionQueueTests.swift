import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct PartitionQueueTests {
    private func records(_ range: Range<UInt64>, size: Int = 1) -> [Record] {
        range.map {
            Record(
                key: nil, value: Array(repeating: 0, count: size), position: Position(high: 1, low: $0), timestampMs: 0)
        }
    }

    private func lows(_ records: [Record]?) -> [UInt64] { records?.compactMap { $0.position?.low } ?? [] }

    @Test func joinsAndSplitsChunks() {
        var queue = PartitionQueue(start: .start)
        let limits = BatchLimits(maxRecords: 5, maxBytes: 100, maxDelay: .zero)
        _ = queue.receive(records(1..<4), bytes: 3)
        _ = queue.receive(records(4..<9), bytes: 5)
        check(lows(queue.take(limits, now: .zero)) == [1, 2, 3, 4, 5])
        check(queue.take(limits, now: .zero) == nil)
        check(queue.finish() == Permits.Demand(records: 5, bytes: 5))
        check(queue.commitPosition == Position(high: 1, low: 6))
        check(lows(queue.take(limits, now: .zero)) == [6, 7, 8])
        _ = queue.finish()
        check(queue.held == Permits.Demand(records: 0, bytes: 0))
    }

    @Test func bytesBoundABatchButForOneRecord() {
        var queue = PartitionQueue(start: .start)
        let limits = BatchLimits(maxRecords: 100, maxBytes: 25, maxDelay: .zero)
        _ = queue.receive(records(1..<6, size: 10), bytes: 50)
        check(lows(queue.take(limits, now: .zero)) == [1, 2])
        _ = queue.finish()
        let tight = BatchLimits(maxRecords: 100, maxBytes: 1, maxDelay: .zero)
        check(lows(queue.take(tight, now: .zero)) == [3])
    }

    @Test func aFailedBatchComesAgainAsItWas() {
        var queue = PartitionQueue(start: .start)
        let limits = BatchLimits(maxRecords: 5, maxBytes: 100, maxDelay: .zero)
        _ = queue.receive(records(1..<3), bytes: 2)
        _ = queue.take(limits, now: .zero)
        queue.retry(at: MonotonicInstant(nanoseconds: 10))
        _ = queue.receive(records(3..<5), bytes: 2)
        check(queue.take(limits, now: MonotonicInstant(nanoseconds: 9)) == nil)
        check(queue.commitPosition == .start)
        check(lows(queue.take(limits, now: MonotonicInstant(nanoseconds: 10))) == [1, 2])
        check(queue.attempts == 1)
    }

    @Test func dropsRepeats() {
        var queue = PartitionQueue(start: Position(high: 1, low: 3))
        check(queue.receive(records(1..<6), bytes: 5) == Permits.Demand(records: 2, bytes: 2))
        check(queue.receive(records(4..<6), bytes: 2) == Permits.Demand(records: 2, bytes: 2))
        check(queue.receive(records(5..<8), bytes: 3) == Permits.Demand(records: 1, bytes: 1))
        let limits = BatchLimits(maxRecords: 50, maxBytes: 100, maxDelay: .zero)
        check(lows(queue.take(limits, now: .zero)) == [3, 4, 5, 6, 7])
    }

    @Test func walksHandOverEverythingOnce() {
        for seed in UInt64(0)..<100 {
            var random = SeededRandom(seed: seed)
            var queue = PartitionQueue(start: .start)
            var sent: UInt64 = 1
            var seen: [UInt64] = []
            var out: [Record]?
            var held = 0
            for _ in 0..<500 {
                if random.chance(0.4) {
                    let count = UInt64.random(in: 1...6, using: &random)
                    let size = Int.random(in: 0...9, using: &random)
                    _ = queue.receive(records(sent..<sent + count, size: size), bytes: Int(count) * size)
                    sent += count
                    held += Int(count)
                } else if let batch = out {
                    if random.chance(0.3) {
                        queue.retry(at: .zero)
                    } else {
                        seen += lows(batch)
                        held -= queue.finish().records
                    }
                    out = nil
                } else {
                    let limits = BatchLimits(
                        maxRecords: Int.random(in: 1...10, using: &random),
                        maxBytes: Int.random(in: 1...40, using: &random), maxDelay: .zero)
                    out = queue.take(limits, now: .zero)
                }
                check(queue.held.records == held)
                check(seen == (0..<UInt64(seen.count)).map { $0 + 1 })
            }
        }
    }
}
