import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct PermitsTests {
    @Test func demandsTheLimitAndResumesWithHysteresis() {
        var permits = Permits(maxRecords: 100, maxBytes: 1_000, resumeAt: 0.5)
        check(permits.takeDemand(partitions: 0) == nil)
        check(permits.takeDemand(partitions: 1) == Permits.Demand(records: 100, bytes: 1_000))
        check(permits.takeDemand(partitions: 1) == nil)
        permits.received(records: 100, bytes: 900)
        check(permits.isPaused)
        permits.release(records: 40, bytes: 400)
        check(permits.takeDemand(partitions: 1) == nil)
        permits.release(records: 10, bytes: 50)
        check(permits.takeDemand(partitions: 1) == Permits.Demand(records: 50, bytes: 450))
        check(!permits.isPaused)
    }

    @Test func aLimitWithoutAnEndCanBeCountedWith() {
        var permits = Permits(maxRecords: 10, maxBytes: .max, resumeAt: 1)
        _ = permits.takeDemand(partitions: 1)
        permits.received(records: 9, bytes: 9)
        permits.forgetDemand()
        check(permits.takeDemand(partitions: 1)?.records == 1)
    }

    @Test func bytesAloneStopIntake() {
        var permits = Permits(maxRecords: 100, maxBytes: 1_000, resumeAt: 0.75)
        _ = permits.takeDemand(partitions: 1)
        permits.received(records: 1, bytes: 5_000)
        check(permits.takeDemand(partitions: 1) == nil)
        permits.release(records: 1, bytes: 5_000)
        // What came beyond the demand is demanded no second time.
        check(permits.takeDemand(partitions: 1) == Permits.Demand(records: 1, bytes: 5_000))
        check(permits.demanded == Permits.Demand(records: 100, bytes: 1_000))
    }

    @Test func onePartitionLeavesRoomForTheOthers() {
        var permits = Permits(maxRecords: 80, maxBytes: 1 << 20, resumeAt: 1)
        check(permits.share(of: 4).records == 10)
        check(permits.takeDemand(partitions: 4)?.records == 10)
        check(permits.takeDemand(partitions: 4) == nil)
    }

    @Test func neverPassesItsLimit() {
        for seed in UInt64(0)..<50 {
            var random = SeededRandom(seed: seed)
            let maxRecords = Int.random(in: 1...50, using: &random)
            let maxBytes = Int.random(in: 1...500, using: &random)
            var permits = Permits(maxRecords: maxRecords, maxBytes: maxBytes, resumeAt: 0.75)
            var demand = Permits.Demand(records: 0, bytes: 0)
            var held: [Int] = []
            var largest = 0
            for _ in 0..<1_000 {
                if let more = permits.takeDemand(partitions: Int.random(in: 1...4, using: &random)) {
                    demand.records += more.records
                    demand.bytes += more.bytes
                }
                if demand.records > 0, demand.bytes > 0, random.chance(0.6) {
                    let size = Int.random(in: 0...60, using: &random)
                    largest = max(largest, size)
                    permits.received(records: 1, bytes: size)
                    demand.records -= 1
                    demand.bytes -= size
                    held.append(size)
                } else if !held.isEmpty {
                    permits.release(records: 1, bytes: held.remove(at: Int.random(in: held.indices, using: &random)))
                } else {
                    check(demand.records > 0 && demand.bytes > 0, "with nothing in flight something is demanded")
                }
                check(permits.demanded == demand)
                check(permits.inFlight == Permits.Demand(records: held.count, bytes: held.reduce(0, +)))
                check(held.count + demand.records <= maxRecords)
                check(held.reduce(0, +) <= maxBytes + largest)
            }
        }
    }
}
