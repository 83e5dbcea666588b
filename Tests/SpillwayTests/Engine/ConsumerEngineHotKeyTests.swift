import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct ConsumerEngineHotKeyTests {
    private func harness(
        workers: Int = 1, concurrency: Int = 2, maxQueuedRecords: Int = 1_000,
        overflow: HotKeyPolicy.Overflow = .keep
    ) throws -> EngineHarness {
        try EngineHarness {
            $0.concurrency = concurrency
            $0.hotKeys = HotKeyPolicy(
                share: 0.5, coolShare: 0.3, window: .seconds(4), minRecords: 100, workers: workers,
                maxQueuedRecords: maxQueuedRecords, overflow: overflow)
        }
    }

    /// Lets enough records of one key pass for it to be hot, and handles them.
    private func heat(_ harness: inout EngineHarness, _ key: String = "hot", from low: inout UInt64) throws {
        harness.assign()
        harness.receive(key, low...low + 199)
        low += 200
        harness.run()
        try #require(harness.engine.hotKeyCount == 1)
    }

    /// Lets time pass in which other keys come.
    private func cool(_ harness: inout EngineHarness, from low: inout UInt64) {
        for _ in 0..<4 {
            harness.advance(.seconds(2))
            for _ in 0..<50 {
                harness.receive([("cold\(low)", low)])
                low += 1
            }
        }
    }

    @Test func aHotKeyGetsWorkersOfItsOwnAndTheOthersKeepTheirs() throws {
        var harness = try harness()
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.receive("hot", low...low + 19)
        harness.receive([("a", low + 20), ("b", low + 21), ("c", low + 22)])
        let jobs = harness.takeAll()
        check(Set(jobs.map(\.key)) == ["a", "b", "hot"] && jobs.count == 3)
        // The hot one's worker is busy: it is not given those of the others.
        for job in jobs where job.key != "hot" { harness.end(job) }
        check(harness.takeAll().map(\.key) == ["c"])
        // And the others are not given the hot one's.
        for job in jobs where job.key == "hot" { harness.end(job) }
        check(harness.takeAll().map(\.key) == ["hot"])
        check(harness.engine.counters.heated == 1)
    }

    @Test func othersDontStandBehindTheQueueOfAHotKey() throws {
        var harness = try harness(concurrency: 1)
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.receive("hot", low...low + 199)
        let stuck = harness.takeAll()
        check(stuck.map(\.key) == ["hot"])
        for other in 0..<20 {
            harness.receive([("other\(other)", low + 200 + UInt64(other))])
            let jobs = harness.takeAll()
            check(jobs.map(\.key) == ["other\(other)"], "it is taken at once")
            harness.end(jobs)
        }
        harness.end(stuck)
        harness.run()
        check(harness.handled["hot"] == Array(1...low + 199))
    }

    @Test func underARateAHotKeyHasItsTurnsToo() throws {
        var harness = try harness()
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        var settings = harness.engine.settings
        settings.rate = RateLimits(recordsPerSecond: 10, burstSeconds: 0.1)
        harness.engine.change(settings, now: harness.now)
        harness.receive("hot", low...low + 99)
        low += 100
        let before = harness.handled["hot"]?.count ?? 0
        // As many others come as the rate lets go, so each waits longer than the one before.
        for _ in 0..<20 {
            harness.advance(.milliseconds(100))
            harness.receive([("other\(low)", low)])
            low += 1
            harness.end(harness.takeAll())
        }
        let hot = (harness.handled["hot"]?.count ?? 0) - before
        check((4...12).contains(hot), "\(hot) of 20")
    }

    @Test func orderHoldsAcrossBothMoves() throws {
        var harness = try harness(workers: 2)
        harness.assign()
        // A worker of the others has the first while the key becomes hot.
        harness.receive([("hot", 1)])
        let first = harness.takeAll()
        harness.receive("hot", 2...150)
        try #require(harness.engine.hotKeyCount == 1)
        check(harness.takeAll().isEmpty, "the key is with a worker")
        harness.end(first)
        let second = harness.takeAll()
        check(second.map(\.low) == [2])
        // A hot worker has one while the key cools down.
        var low: UInt64 = 151
        cool(&harness, from: &low)
        check(harness.engine.hotKeyCount == 0)
        var jobs = harness.takeAll()
        check(!jobs.map(\.key).contains("hot"))
        harness.end(second)
        harness.end(jobs)
        while harness.handled["hot"]?.count != 150 {
            jobs = harness.takeAll()
            try #require(!jobs.isEmpty)
            check(jobs.count { $0.key == "hot" } <= 1, "never two at a time")
            harness.end(jobs)
        }
        check(harness.handled["hot"] == Array(1...150))
    }

    @Test func aKeyThatCooledWhileItWaitedForItsWorkersGoesToTheOthers() throws {
        var harness = try harness(workers: 1)
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.receive("hot", low...low + 1)
        let first = harness.takeAll()
        check(first.count == 1)
        harness.end(first)
        // It stands among the hot ones, whose worker it does not get.
        cool(&harness, from: &low)
        low += 2
        var settings = harness.engine.settings
        settings.hotKeys = nil
        harness.engine.change(settings, now: harness.now)
        harness.run()
        check(harness.handled["hot"] == Array(1...202))
    }

    @Test func turningHotKeysOffStrandsNothing() throws {
        var harness = try harness()
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.receive("hot", low...low + 5)
        var settings = harness.engine.settings
        settings.hotKeys = nil
        harness.engine.change(settings, now: harness.now)
        check(harness.engine.hotKeyCount == 0)
        harness.run()
        check(harness.handled["hot"]?.last == low + 5 && harness.engine.inFlightRecords == 0)
    }

    @Test func aHotKeyCoolsByTimeAlone() throws {
        var harness = try harness()
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.commit()
        var steps = 0
        while harness.engine.hotKeyCount > 0, let deadline = harness.engine.nextDeadline(now: harness.now) {
            harness.advance(deadline - harness.now)
            harness.answerLoads()
            steps += 1
            try #require(steps < 100)
        }
        check(harness.engine.hotKeyCount == 0)
        check(harness.now < MonotonicInstant(nanoseconds: 12_000_000_000))
    }

    @Test func whatAHotLaneCantHoldGoesThroughTheSideQueueInOrder() throws {
        var harness = try harness(maxQueuedRecords: 10, overflow: .sideQueue)
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.receive("hot", low...low + 99)
        check(harness.engine.heldKeyCount == 1)
        harness.answerWrites()
        check(harness.sideRecords == 90 && harness.engine.inFlightRecords == 10, "they hold no permits there")
        // Nothing is read back before the lane is empty.
        check(!harness.answerLoads())
        harness.receive("hot", low + 100...low + 109)
        harness.run()
        check(harness.handled["hot"] == Array(1...low + 109))
        check(harness.sideRecords == 0 && harness.engine.heldKeyCount == 0 && harness.engine.inFlightRecords == 0)
        let counters = harness.engine.counters
        check(counters.moved >= 90 && counters.returned == counters.moved)
        harness.commit()
        check(harness.committed == Position(high: 1, low: low + 110))
    }

    @Test func aHotKeyThatIsTooLongToBeHeldStaysInItsLane() throws {
        var harness = try harness(maxQueuedRecords: 10, overflow: .sideQueue)
        let key = String(repeating: "k", count: 65_536)
        var low: UInt64 = 1
        try heat(&harness, key, from: &low)
        harness.receive(key, low...low + 19)
        check(harness.engine.heldKeyCount == 0 && !harness.answerWrites())
        harness.run()
        check(harness.handled[key] == Array(1...low + 19) && harness.engine.inFlightRecords == 0)
    }

    @Test func aStoreThatIsFullOfAKeyDoesNotStopTheKey() throws {
        var harness = try harness(maxQueuedRecords: 5, overflow: .sideQueue)
        var limits = FailureStoreLimits()
        limits.sideRecords = 5
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.stored = FailureTables(limits: limits)
        harness.receive("hot", low...low + 9)
        harness.answerWrites()
        check(harness.sideRecords == 5)
        // No room for the head, behind which those in the store wait.
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        harness.receive("hot", low + 10...low + 29)
        harness.run()
        check(harness.handled["hot"]?.last == low - 1, "it is not due")
        for _ in 0..<10 {
            harness.advance(.seconds(1))
            harness.run()
        }
        check(harness.handled["hot"] == Array(1...low + 29))
        check(harness.engine.heldKeyCount == 0 && harness.sideRecords == 0 && harness.engine.inFlightRecords == 0)
    }

    @Test func overflowNeverOvertakesAHeadThatIsPutAsideLater() throws {
        var harness = try harness(maxQueuedRecords: 5, overflow: .sideQueue)
        var low: UInt64 = 1
        try heat(&harness, from: &low)
        harness.receive("hot", low...low + 9)
        harness.answerWrites()
        check(harness.sideRecords == 5)
        // The head goes to the side queue, which takes nothing for a while.
        let head = harness.takeAll()
        check(head.map(\.low) == [low])
        harness.end(head[0], hold(until: harness.now + .milliseconds(10)))
        harness.answerWrites(.failed)
        harness.advance(.milliseconds(20))
        harness.answerLoads()
        check(harness.takeAll().isEmpty, "what is in the store comes after what is on its way there")
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["hot"] == Array(1...low + 9))
        check(harness.engine.heldKeyCount == 0 && harness.sideRecords == 0 && harness.engine.inFlightRecords == 0)
    }
}
