import SpillwayCore
import Testing

@testable import Spillway

/// When a batch that could grow is taken.
@Suite struct ConsumerEngineBatchTests {
    private func harness(
        _ limits: BatchLimits, _ change: (inout ConsumerConfiguration) -> Void = { _ in }
    ) throws -> EngineHarness {
        var harness = try EngineHarness(usesFailureStore: false, change)
        var settings = harness.engine.settings
        settings.limits = limits
        harness.engine.settings.isSingle = false
        harness.engine.change(settings, now: harness.now)
        harness.assign()
        return harness
    }

    /// The sizes of the batches that can be taken.
    private func sizes(_ jobs: [EngineHarness.Job]) -> [Int] {
        Dictionary(grouping: jobs, by: \.work).sorted { $0.key < $1.key }.map(\.value.count)
    }

    private let slow = BatchLimits(maxRecords: 100, maxDelay: .seconds(10))

    @Test func aBatchDoesNotWaitForRecordsThatCantCome() throws {
        // Everything that may be in flight is here.
        var full = try harness(slow) { $0.maxInFlightRecords = 20 }
        full.receive((1...19).map { ("key\($0)", $0) })
        check(full.takeAll().isEmpty, "one more may come")
        full.receive([("key20", 20)])
        check(full.takeAll().count == 20)
        // The one partition is paused, by an operator or at its window.
        var paused = try harness(slow)
        paused.receive((1...5).map { ("key\($0)", $0) })
        check(paused.takeAll().isEmpty)
        paused.engine.setPaused(true, [EngineHarness.partition])
        check(paused.takeAll().count == 5)
        var stopped = try harness(slow) { $0.maxUncommittedRecords = 5 }
        stopped.receive((1...5).map { ("key\($0)", $0) })
        check(stopped.takeAll().count == 5)
    }

    @Test func aBatchWaitsWhileMoreIsDemanded() throws {
        var harness = try harness(slow) { $0.maxInFlightRecords = 20 }
        harness.receive((1...20).map { ("key\($0)", $0) })
        harness.end(harness.takeAll())
        // Room for all of them was demanded again, and what has come used it up in part.
        harness.receive((21...30).map { ("key\($0)", $0) })
        check(harness.takeAll().isEmpty)
        harness.advance(.seconds(10))
        check(harness.takeAll().count == 10)
    }

    @Test func underARateABatchWaitsUntilItsRecordsMayGo() throws {
        let limits = BatchLimits(maxRecords: 10, maxDelay: .seconds(2))
        var harness = try harness(limits) { $0.rate = RateLimits(recordsPerSecond: 10, burstSeconds: 1) }
        harness.commit()
        harness.receive((1...60).map { ("key\($0)", $0) })
        let start = harness.now
        var taken: [Int] = []
        while harness.handled.count < 60 {
            let jobs = harness.takeAll()
            taken += sizes(jobs)
            harness.end(jobs)
            guard let deadline = harness.engine.nextDeadline(now: harness.now) else { break }
            harness.advance(deadline - harness.now)
            try #require(harness.now - start < .seconds(10))
        }
        check(taken == [10, 10, 10, 10, 10, 10], "\(taken)")
        check(harness.now - start < .seconds(6))
    }

    @Test func underARateABatchWaitsNoLongerThanItsDelay() throws {
        let limits = BatchLimits(maxRecords: 10, maxDelay: .milliseconds(300))
        var harness = try harness(limits) { $0.rate = RateLimits(recordsPerSecond: 10, burstSeconds: 1) }
        harness.receive((1...60).map { ("key\($0)", $0) })
        harness.end(harness.takeAll())
        var taken: [Int] = []
        for _ in 0..<30 {
            harness.advance(.milliseconds(100))
            let jobs = harness.takeAll()
            taken += sizes(jobs)
            harness.end(jobs)
        }
        check(taken.count >= 7 && taken.allSatisfy { $0 <= 4 && $0 >= 3 }, "\(taken)")
    }
}
