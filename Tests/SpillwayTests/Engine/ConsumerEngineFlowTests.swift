import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct ConsumerEngineFlowTests {
    private struct NoSource: RateSource {
        func lease(_ count: Int, member: String) async throws -> RateLeaseGrant {
            throw RateSourceError(.unavailable, "no source")
        }
    }

    private func harness(initialShare: Double = 0) throws -> EngineHarness {
        var harness = try EngineHarness(usesFailureStore: false) {
            $0.concurrency = 100
            $0.globalRate = GlobalRateLimit(NoSource(), initialShare: initialShare)
        }
        harness.assign()
        return harness
    }

    private func grant(_ count: Int) -> RateLeaseGrant {
        RateLeaseGrant(count: count, validFor: .seconds(1), share: 10)
    }

    @Test func withoutAnythingToHandleNothingIsLeased() throws {
        var harness = try harness()
        check(harness.takeAll().isEmpty && harness.engine.takeLease(now: harness.now) == nil)
        check(harness.engine.nextDeadline(now: harness.now).map { $0 > harness.now + .milliseconds(1) } ?? true)
    }

    @Test func recordsWaitForCreditsAndGoOnWithThem() throws {
        var harness = try harness()
        harness.receive((1...9).map { ("key\($0)", $0) })
        check(harness.takeAll().isEmpty)
        let wanted = try unwrap(harness.engine.takeLease(now: harness.now))
        check(wanted >= 1)
        check(harness.engine.takeLease(now: harness.now) == nil, "one request at a time")
        harness.engine.leaseEnded(grant(4), now: harness.now)
        let jobs = harness.takeAll()
        check(jobs.count == 4, "so many go as were granted")
        harness.end(jobs)
        check(harness.takeAll().isEmpty)
    }

    /// A worker that finds nothing asks for credits only then: nobody else may come by to see that they are wanted.
    @Test func whoFindsNothingIsToldWhetherOnlyCreditsAreMissing() throws {
        var harness = try harness()
        check(!harness.engine.isHeldByRate(now: harness.now), "there is nothing to handle")
        harness.receive("a", 1...2)
        check(harness.takeAll().isEmpty)
        check(harness.engine.isHeldByRate(now: harness.now), "a record waits for a credit")
        _ = try unwrap(harness.engine.takeLease(now: harness.now))
        harness.engine.leaseEnded(grant(1), now: harness.now)
        check(!harness.engine.isHeldByRate(now: harness.now), "there is a credit")
        let jobs = harness.takeAll()
        check(jobs.count == 1)
        check(!harness.engine.isHeldByRate(now: harness.now), "the other record waits for the one before it")
        harness.end(jobs)
        check(harness.engine.isHeldByRate(now: harness.now), "the credit is used up")
    }

    @Test func creditsThatHaveExpiredAreNone() throws {
        var harness = try harness()
        harness.receive("a", 1...3)
        _ = harness.takeAll()
        _ = try unwrap(harness.engine.takeLease(now: harness.now))
        harness.engine.leaseEnded(grant(3), now: harness.now)
        harness.advance(.milliseconds(1_001))
        check(harness.takeAll().isEmpty)
    }

    @Test func withoutTheSourceTheLastKnownShareCounts() throws {
        var harness = try harness(initialShare: 10)
        harness.receive((1...9).map { ("key\($0)", $0) })
        check(harness.takeAll().isEmpty)
        _ = try unwrap(harness.engine.takeLease(now: harness.now))
        harness.engine.leaseEnded(nil, now: harness.now)
        check(harness.takeAll().isEmpty, "it begins with nothing")
        var started = 0
        for _ in 0..<50 {
            harness.advance(.milliseconds(10))
            if harness.engine.takeLease(now: harness.now) != nil { harness.engine.leaseEnded(nil, now: harness.now) }
            started += harness.takeAll().count
        }
        check((4...6).contains(started), "half a second at ten a second: \(started)")
    }

    @Test func whoWaitsForCreditsIsWokenHoweverLongTheSourceIsAway() throws {
        var harness = try harness()
        harness.receive("a", 1...3)
        var asked = 0
        for _ in 0..<60 {
            check(harness.takeAll().isEmpty)
            if harness.engine.takeLease(now: harness.now) != nil {
                asked += 1
                harness.engine.leaseEnded(nil, now: harness.now)
            }
            let next = try unwrap(harness.engine.nextDeadline(now: harness.now))
            // Whoever looks between has to see it too.
            let later = harness.now + .milliseconds(300)
            if next > later { check(harness.engine.nextDeadline(now: later) == next) }
            harness.advance(next - harness.now)
        }
        check(asked > 20)
    }

    @Test func partitionBatchesAreCutToWhatIsGranted() throws {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.globalRate = GlobalRateLimit(NoSource())
        var engine = ConsumerEngine(
            EngineSettings(configuration, processor: .partitionBatch(ConsumerEngineTests.Projecting(), maxRecords: 100))
        )
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        engine.assign([ConsumerEngineTests.assignment(start: 1)], now: now)
        _ = engine.takeActions()
        engine.opened(ConsumerEngineTests.partition, epoch: 1, at: nil, now: now)
        engine.receive(ConsumerEngineTests.batch(Array(1...20)), now: now)
        check(engine.takeWork(now: now) == nil)
        check(try unwrap(engine.takeLease(now: now)) >= 20)
        engine.leaseEnded(grant(5), now: now)
        check(try unwrap(engine.takeWork(now: now)).recordCount == 5)
    }

    /// Ten records that end at once with a result, and how many may be handled at a time then.
    private func limit(after result: (MonotonicInstant) -> WorkResult) throws -> Int {
        var harness = try EngineHarness {
            $0.concurrency = 100
            $0.adaptiveConcurrency = AdaptiveConcurrency(minLimit: 1, initialLimit: 10)
        }
        harness.assign()
        harness.receive((1...10).map { ("key\($0)", $0) })
        for job in harness.takeAll() { harness.end(job, result(harness.now)) }
        return harness.engine.workers(of: .shared)
    }

    @Test func aPermanentFailureIsNoSignOfOverload() throws {
        check(try limit { _ in .move(Move(.deadLetter, reason: ""), orRetryAt: .zero) } >= 10)
        check(try limit { .retry(at: $0 + .seconds(1)) } < 5)
        check(try limit { .move(Move(.delay(until: $0 + .seconds(1)), reason: ""), orRetryAt: $0) } < 5)
    }
}
