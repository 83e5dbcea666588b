import SpillwayCore
import Testing

@testable import Spillway

/// The side queue's share of what may be in flight is one record here.
@Suite struct ConsumerEngineSideShareTests {
    private func harness(tokens: Int) throws -> EngineHarness {
        var harness = try EngineHarness {
            $0.maxInFlightRecords = 8
            $0.retry.moveBudget = MoveBudgetPolicy(capacity: tokens, earnedBySuccess: 0)
        }
        check(harness.engine.settings.sideShare.records == 1)
        harness.assign()
        return harness
    }

    private func delay(_ harness: EngineHarness, _ wait: Duration) -> WorkResult {
        .move(Move(.delay(until: harness.now + wait), reason: "not yet"), orRetryAt: harness.now + wait)
    }

    private func retry(_ harness: EngineHarness, _ wait: Duration) -> WorkResult { .retry(at: harness.now + wait) }

    /// Record 1 of key a is delayed for a second, and b's for two.
    private func harnessWithADelayedRecordAndAHeldKey() throws -> EngineHarness {
        var harness = try harness(tokens: 2)
        harness.receive([("a", 1), ("b", 2)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], delay(harness, .seconds(1)))
        harness.end(jobs[1], hold(until: harness.now + .seconds(2)))
        harness.answerWrites()
        check(harness.sideRecords == 2 && harness.engine.inFlightRecords == 0)
        return harness
    }

    private func checkThatBothComeBack(_ harness: inout EngineHarness) {
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["b"] == [2], "a waits, b does not")
        check(harness.stored.delayedEntries(start, dueByMs: .max, limit: 9).map(\.reason) == ["not yet"])
        check(harness.stored.delayedEntries(start, dueByMs: .max, limit: 9).map(\.rounds) == [1])
        check(harness.engine.inFlightRecords == 1, "only what failed is here")
        harness.advance(.seconds(3_600))
        harness.run()
        harness.run()
        check(harness.handled["a"] == [3, 1] && harness.sideRecords == 0)
        check(harness.engine.inFlightRecords == 0 && harness.engine.heldKeyCount == 0)
    }

    private var start: RecordName {
        RecordName(group: "g", partition: EngineHarness.partition, position: .start)
    }

    @Test func aDelayedRecordDoesNotWaitBehindAParkedLaneForAsLongAsOthersNeedItsPermit() throws {
        var harness = try harnessWithADelayedRecordAndAHeldKey()
        harness.receive([("a", 3)])
        harness.end(harness.takeAll()[0], retry(harness, .seconds(600)))
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled.isEmpty)
        checkThatBothComeBack(&harness)
    }

    @Test func aDelayedRecordWhoseLaneIsParkedBeforeItGivesItsPermitBack() throws {
        var harness = try harnessWithADelayedRecordAndAHeldKey()
        harness.receive([("a", 3)])
        let first = harness.takeAll()[0]
        harness.advance(.seconds(1))
        harness.answerLoads()
        check(harness.engine.inFlightRecords == 2, "it stands behind one that is being handled")
        harness.end(first, retry(harness, .seconds(600)))
        check(harness.engine.inFlightRecords == 1)
        checkThatBothComeBack(&harness)
    }

    @Test func aRecordThatMayNotBeBuriedIsTriedAgainFromTheSideQueue() throws {
        var harness = try harness(tokens: 2)
        harness.receive([("a", 1), ("b", 2), ("a", 3)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], hold(until: harness.now + .seconds(1)))
        harness.end(jobs[1], hold(until: harness.now + .seconds(2)))
        harness.answerWrites()
        for round in 1...3 {
            harness.advance(.seconds(1))
            let again = harness.now + .seconds(1)
            harness.run { job in
                guard job.key == "a" else { return .finished }
                check(job.record.rounds == round && job.attempt == round + 1)
                return .move(Move(.deadLetter, reason: "no good"), orRetryAt: again)
            }
            check(harness.engine.inFlightRecords == 0 && harness.engine.counters.refusedMoves == round)
        }
        check(harness.handled == ["b": [2]] && harness.sideRecords == 2 && harness.letters.isEmpty)
        harness.advance(.seconds(1))
        harness.run()
        harness.run()
        check(harness.handled["a"] == [1, 3] && harness.sideRecords == 0 && harness.engine.heldKeyCount == 0)
    }

    @Test func anAttemptInPlaceWaitsInTheSideQueueAndIsNoRound() throws {
        var harness = try harness(tokens: 2)
        harness.receive([("a", 1), ("b", 2), ("a", 3), ("a", 4)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], hold(until: harness.now + .seconds(1)))
        harness.end(jobs[1], hold(until: harness.now + .seconds(2)))
        harness.answerWrites()
        harness.advance(.seconds(1))
        let again = harness.now + .seconds(600)
        harness.run { $0.low == 3 ? .retry(at: again) : .finished }
        check(harness.handled["a"] == [1] && harness.engine.inFlightRecords == 0)
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["b"] == [2])
        harness.advance(.seconds(600))
        harness.run { job in
            if job.low == 3 { check(job.record.rounds == 0 && job.attempt == 2) }
            return .finished
        }
        harness.run()
        check(harness.handled["a"] == [1, 3, 4] && harness.sideRecords == 0 && harness.engine.heldKeyCount == 0)
    }
}
