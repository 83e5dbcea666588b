import SpillwayCore
import Testing

@testable import Spillway

/// The side queue's share of what may be in flight is one record here, if nothing else is said.
@Suite struct ConsumerEngineSideShareTests {
    private func harness(tokens: Int, share: Int = 1) throws -> EngineHarness {
        var harness = try EngineHarness {
            $0.maxInFlightRecords = 8 * share
            $0.retry.moveBudget = MoveBudgetPolicy(capacity: tokens, earnedBySuccess: 0)
        }
        check(harness.engine.settings.sideShare.records == share)
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
        harness.advance(.milliseconds(500))
        harness.receive([("a", 3)])
        let first = harness.takeAll()[0]
        harness.advance(.milliseconds(500))
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

    // MARK: Handlers that never return

    /// Ten records of key a are due, and b's is in a minute; a handler has one of a and does not return.
    private func harnessWithAHandlerThatDoesNotReturn(
        _ moved: (EngineHarness) -> WorkResult
    ) throws -> (EngineHarness, EngineHarness.Job) {
        var harness = try harness(tokens: 11, share: 8)
        harness.receive((1...10).map { ("a", $0) } + [("b", 11)])
        while case let jobs = harness.takeAll(), !jobs.isEmpty {
            for job in jobs { harness.end(job, job.key == "a" ? moved(harness) : delay(harness, .seconds(60))) }
            harness.answerWrites()
        }
        harness.advance(.seconds(1))
        while harness.answerLoads() {}
        let jobs = harness.takeAll()
        check(jobs.map(\.key) == ["a"] && harness.engine.inFlightRecords == 8, "a has the whole share")
        return (harness, jobs[0])
    }

    private func checkThatOnlyBWentOnAndTheRestCan(_ harness: inout EngineHarness, _ stuck: EngineHarness.Job) {
        check(harness.handled == ["b": [11]])
        harness.end(stuck)
        harness.advance(.seconds(3_600))
        harness.run()
        harness.run()
        check(harness.handled["a"]?.sorted() == Array(1...10) && harness.sideRecords == 0)
    }

    @Test(arguments: [false, true])
    func whatStandsBehindAHandlerThatDoesNotReturnMakesRoom(isHeld: Bool) throws {
        var (harness, stuck) = try harnessWithAHandlerThatDoesNotReturn {
            isHeld ? hold(until: $0.now + .seconds(1)) : delay($0, .seconds(1))
        }
        harness.advance(.seconds(1))
        harness.run()
        check(harness.engine.inFlightRecords <= 5 && harness.handled.isEmpty)
        harness.advance(.seconds(60))
        harness.run()
        checkThatOnlyBWentOnAndTheRestCan(&harness, stuck)
        check(!isHeld || harness.handled["a"] == Array(1...10))
        check(harness.engine.inFlightRecords == 0 && harness.engine.heldKeyCount == 0)
    }

    @Test func whatIsDueLaterDoesNotTakeTheRoomOfOthersBehindAHandlerThatDoesNotReturn() throws {
        var (harness, stuck) = try harnessWithAHandlerThatDoesNotReturn { delay($0, .seconds(1)) }
        // It is asked for often; most of it is put off in the store each time, for longer and longer.
        var (puts, mostInFlight) = (0, 0)
        for _ in 0..<600 {
            harness.advance(.seconds(1))
            while harness.answerLoads() { if harness.answerWrites() { puts += 1 } }
            mostInFlight = max(mostInFlight, harness.engine.inFlightRecords)
        }
        check(mostInFlight <= 5)
        check(puts < 100, "\(puts)")
        harness.run()
        checkThatOnlyBWentOnAndTheRestCan(&harness, stuck)
    }
}
