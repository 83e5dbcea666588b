import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

/// A scheduler with what an engine does around it: records come and go as values.
private struct Lanes {
    enum Result {
        case finished
        case retry(at: MonotonicInstant)
        case again
    }

    struct Taken {
        var entry: LaneEntry
        var number: Int
        var lane: Int { entry.lane }
    }

    var scheduler = LaneScheduler(order: .key)
    var laneCount: Int { scheduler.laneCount }
    var keyCount: Int { scheduler.keyCount }
    var readyCount: Int { scheduler.readyCount(.shared) }
    var parkedCount: Int { scheduler.parkedCount }
    var nextRetry: MonotonicInstant? { scheduler.nextRetry }
    func nextClose(_ limits: BatchLimits) -> MonotonicInstant? { scheduler.nextClose(limits) }

    mutating func add(_ entry: LaneEntry, now: MonotonicInstant) {
        let number = scheduler.add(entry)
        scheduler.place(number, hash: scheduler.hash(of: entry.record, epoch: entry.epoch), now: now)
    }

    mutating func take(_ limits: BatchLimits, now: MonotonicInstant) -> [Taken]? {
        guard scheduler.isDue(.shared, limits, now: now) else { return nil }
        let taken = scheduler.take(.shared, limits, now: now)
        return taken.isEmpty ? nil : taken.map { Taken(entry: scheduler.entries[$0], number: $0) }
    }

    mutating func complete(_ taken: [Taken], _ results: [Result], now: MonotonicInstant) {
        var ended: Set<Int> = []
        for (item, result) in zip(taken, results) where !ended.contains(item.lane) {
            guard scheduler.isInLane(item.number) else { continue }
            switch result {
            case .finished:
                scheduler.popFirst(of: item.lane)
                scheduler.forget(item.number)
            case .retry(let instant):
                scheduler.update(item.number) { $0.attempts += 1 }
                scheduler.park(item.lane, until: instant)
                ended.insert(item.lane)
            case .again: break
            }
        }
        let lanes = Set(taken.map(\.lane)).subtracting(ended)
        for lane in taken.map(\.lane).reduce(into: [Int](), { if $0.last != $1 { $0.append($1) } })
        where lanes.contains(lane) && scheduler[lane].state == .running { scheduler.endTurn(of: lane, now: now) }
    }

    mutating func drop(epoch: UInt64) -> Permits.Demand {
        var dropped = Permits.Demand(records: 0, bytes: 0)
        scheduler.drop(epoch: epoch) {
            dropped.records += 1
            dropped.bytes += $0.bytes
        }
        return dropped
    }
}

@Suite struct LaneSchedulerTests {
    private let one = BatchLimits(maxRecords: 1, maxBytes: 1, maxDelay: .zero)

    private func entry(_ key: UInt8?, _ place: UInt64, epoch: UInt64 = 1, size: Int = 1) -> LaneEntry {
        let record = Record(
            key: key.map { [$0] }, value: [], position: Position(high: 1, low: place), timestampMs: 0)
        return LaneEntry(record: record, epoch: epoch, slot: 0, place: place, bytes: size)
    }

    private func time(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func lanesTakeTurns() throws {
        var lanes = Lanes()
        for place in UInt64(0)..<4 { lanes.add(entry(1, place), now: .zero) }
        lanes.add(entry(2, 9), now: .zero)
        let first = try unwrap(lanes.take(one, now: .zero))
        let other = try unwrap(lanes.take(one, now: .zero))
        check(first[0].entry.place == 0 && other[0].entry.place == 9)
        // The first lane is running: nothing else is ready.
        check(lanes.take(one, now: .zero) == nil)
        lanes.complete(other, [.finished], now: .zero)
        check(lanes.laneCount == 1 && lanes.keyCount == 1)
        lanes.complete(first, [.finished], now: .zero)
        check(lanes.take(one, now: .zero)?[0].entry.place == 1)
    }

    @Test func aParkedLaneHoldsNoWorkerAndKeepsItsOrder() throws {
        var lanes = Lanes()
        lanes.add(entry(1, 0), now: .zero)
        lanes.add(entry(1, 1), now: .zero)
        let work = try unwrap(lanes.take(one, now: .zero))
        lanes.complete(work, [.retry(at: time(10))], now: .zero)
        check(lanes.take(one, now: time(9)) == nil)
        check(lanes.nextRetry == time(10) && lanes.parkedCount == 1)
        let again = try unwrap(lanes.take(one, now: time(10)))
        check(again[0].entry.place == 0 && again[0].entry.attempts == 1)
    }

    @Test func aBatchClosesOnSizeBytesAndTime() throws {
        let limits = BatchLimits(maxRecords: 3, maxBytes: 10, maxDelay: .milliseconds(20))
        var lanes = Lanes()
        lanes.add(entry(1, 0), now: time(0))
        lanes.add(entry(2, 1), now: time(5))
        check(lanes.take(limits, now: time(19)) == nil)
        check(lanes.nextClose(limits) == time(20))
        check(lanes.take(limits, now: time(20))?.count == 2)
        for place in UInt64(3)..<7 { lanes.add(entry(UInt8(place), place), now: time(21)) }
        check(lanes.take(limits, now: time(21))?.count == 3)
        lanes.add(entry(9, 9, size: 20), now: time(21))
        check(lanes.take(limits, now: time(21))?.count == 2)
    }

    @Test func whatWaitsBehindRunningWorkDoesNotCloseABatch() throws {
        let limits = BatchLimits(maxRecords: 2, maxBytes: 100, maxDelay: .milliseconds(20))
        var lanes = Lanes()
        lanes.add(entry(1, 0), now: time(0))
        lanes.add(entry(1, 1), now: time(0))
        let work = try unwrap(lanes.take(limits, now: time(0)))
        lanes.add(entry(1, 2), now: time(1))
        lanes.add(entry(1, 3), now: time(1))
        lanes.add(entry(2, 4), now: time(1))
        check(lanes.take(limits, now: time(2)) == nil)
        lanes.complete(work, [.finished, .finished], now: time(2))
        check(lanes.take(limits, now: time(2))?.count == 2)
    }

    @Test func whatFollowsAFailedRecordComesAgain() throws {
        let limits = BatchLimits(maxRecords: 10, maxBytes: 100, maxDelay: .zero)
        var lanes = Lanes()
        for place in UInt64(0)..<4 { lanes.add(entry(1, place), now: .zero) }
        let work = try unwrap(lanes.take(limits, now: .zero))
        lanes.complete(work, [.finished, .retry(at: time(1)), .again, .again], now: .zero)
        let again = try unwrap(lanes.take(limits, now: time(1)))
        check(again.map(\.entry.place) == [1, 2, 3] && again.map(\.entry.attempts) == [1, 0, 0])
    }

    @Test func recordsWithoutKeysDontWait() {
        var lanes = Lanes()
        for place in UInt64(0)..<3 { lanes.add(entry(nil, place), now: .zero) }
        for place in UInt64(0)..<3 { check(lanes.take(one, now: .zero)?[0].entry.place == place) }
    }

    @Test func droppingAnAssignmentLeavesTheOthers() throws {
        var lanes = Lanes()
        for place in UInt64(0)..<5 { lanes.add(entry(UInt8(place), place, epoch: place % 2), now: .zero) }
        let work = try unwrap(lanes.take(one, now: .zero))
        lanes.complete(work, [.retry(at: time(1))], now: .zero)
        check(lanes.drop(epoch: 0) == Permits.Demand(records: 3, bytes: 3))
        check(lanes.laneCount == 2 && lanes.readyCount == 2 && lanes.parkedCount == 0)
        // A late end of a lane that has gone changes nothing.
        lanes.complete(work, [.finished], now: .zero)
        check(lanes.laneCount == 2)
    }

    @Test func walksKeepOrderAndForgetEmptyLanes() {
        for seed in UInt64(0)..<50 {
            var random = SeededRandom(seed: seed)
            let limits = BatchLimits(
                maxRecords: Int.random(in: 1...6, using: &random), maxBytes: 8, maxDelay: .milliseconds(2))
            var lanes = Lanes()
            var now = MonotonicInstant.zero
            var added: [UInt8: UInt64] = [:]
            var next: [UInt8: UInt64] = [:]
            var running: [[Lanes.Taken]] = []
            var waiting = 0
            for step in 0..<20_000 where step < 1_000 || waiting > 0 {
                now += .microseconds(300)
                if step < 1_000, random.chance(0.5) {
                    let key = UInt8.random(in: 0..<5, using: &random)
                    lanes.add(entry(key, added[key, default: 0]), now: now)
                    added[key, default: 0] += 1
                    waiting += 1
                } else if running.count < 3, let work = lanes.take(limits, now: now) {
                    check(work.count <= limits.maxRecords)
                    let lanesTaken = Set(work.map(\.lane))
                    check(running.allSatisfy { lanesTaken.isDisjoint(with: $0.map(\.lane)) })
                    running.append(work)
                } else if let work = running.popLast() {
                    var failed: Set<Int> = []
                    let results = work.map { item -> Lanes.Result in
                        if failed.contains(item.lane) { return .again }
                        if random.chance(0.2) {
                            failed.insert(item.lane)
                            return .retry(at: now + .milliseconds(3))
                        }
                        let key = item.entry.record.key?.first ?? 0
                        check(item.entry.place == next[key, default: 0])
                        next[key, default: 0] += 1
                        waiting -= 1
                        return .finished
                    }
                    lanes.complete(work, results, now: now)
                }
                check(lanes.laneCount <= 5 && lanes.laneCount <= max(waiting, running.count))
            }
            check(next == added && lanes.laneCount == 0 && lanes.keyCount == 0)
        }
    }
}
