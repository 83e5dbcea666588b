import SpillwayCore
import Testing

@testable import Spillway

/// What a seek waits for, and for how long.
@Suite struct ConsumerEngineSeekTests {
    private func at(_ low: UInt64) -> Position { Position(high: 1, low: low) }
    private var partition: TopicPartition { EngineHarness.partition }

    private func move(_ destination: Move.Destination, _ harness: EngineHarness) -> WorkResult {
        .move(Move(destination, reason: "trouble"), orRetryAt: harness.now + .seconds(1))
    }

    /// What was moved waits, or is with the store, which refuses it.
    @Test(arguments: [false, true], [SideWriteResult.full, .failed])
    func aSeekDoesNotWaitForRoomInTheStore(isUnderWay: Bool, _ answer: SideWriteResult) throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("late", 1), ("dead", 2), ("held", 3), ("held", 4)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], move(.delay(until: harness.now + .seconds(5)), harness))
        harness.end(jobs[1], move(.deadLetter, harness))
        harness.end(jobs[2], move(.hold(until: harness.now + .seconds(5)), harness))
        for _ in 0..<4 {
            harness.answerWrites(answer)
            harness.advance(.milliseconds(1))
        }
        if isUnderWay {
            harness.advance(.seconds(5))
            harness.writes = harness.engine.takeSideWrites(now: harness.now, wallMs: harness.wallMs)
            try #require(harness.writes != nil)
        }
        _ = harness.takeActions()
        harness.engine.seek(partition, to: at(1), now: harness.now)
        harness.settle()
        if isUnderWay {
            check(harness.takeActions().seek.isEmpty, "what is with the store is waited for")
            harness.answerWrites(answer)
        }
        check(harness.takeActions().seek.last?.position == at(1))
        check(harness.engine.inFlightRecords == 0 && harness.engine.lanes.entries.count == 0)
        harness.receive([("late", 1), ("dead", 2), ("held", 3), ("held", 4)])
        harness.run()
        check(harness.handled == ["late": [1], "dead": [2], "held": [3, 4]])
        harness.commit()
        check(harness.committed == at(5))
    }

    @Test func whatWasInTheStoreAndFindsNoRoomOnItsWayBackIsStillThere() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("late", 1), ("held", 2)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], move(.delay(until: harness.now + .seconds(1)), harness))
        harness.end(jobs[1], move(.hold(until: harness.now + .seconds(1)), harness))
        harness.answerWrites()
        harness.advance(.seconds(1))
        harness.answerLoads()
        for job in harness.takeAll() {
            let until = harness.now + .seconds(1)
            harness.end(job, move(job.key == "held" ? .hold(until: until) : .delay(until: until), harness))
        }
        harness.answerWrites(.full)
        harness.engine.seek(partition, to: at(9), now: harness.now)
        harness.settle()
        check(harness.engine.inFlightRecords == 0 && harness.sideRecords == 2)
        harness.receive([("a", 9)])
        for _ in 0..<3 {
            harness.advance(.seconds(1))
            harness.run()
        }
        check(harness.handled == ["late": [1], "held": [2], "a": [9]] && harness.sideRecords == 0)
    }

    @Test(arguments: [false, true])
    func aHandlerThatDoesNotReturnStopsASeekForAWhileOnly(usesFailureStore: Bool) throws {
        var harness = try EngineHarness(usesFailureStore: usesFailureStore)
        harness.assign()
        harness.receive([("stuck", 1), ("a", 2)])
        let jobs = harness.takeAll()
        harness.end(jobs[1])
        _ = harness.takeActions()
        let start = harness.now
        harness.engine.seek(partition, to: at(1), now: start)
        // The second one does not wait anew.
        harness.advance(.seconds(4))
        harness.engine.seek(partition, to: at(1), now: harness.now)
        harness.settle()
        while harness.actions.seek.isEmpty {
            let stuck = harness.engine.stuckRecords(startedBefore: harness.now, most: 9)
            check(stuck.map(\.position) == [at(1)] && stuck.map(\.state) == [.running], "it is named")
            check(harness.engine.inspect(longest: 9).partitions.map(\.blocking?.position) == [at(1)])
            let deadline = try unwrap(harness.engine.nextDeadline(now: harness.now))
            harness.advance(deadline - harness.now)
            try #require(harness.now <= start + .seconds(10))
        }
        check(harness.now == start + .seconds(10))
        harness.receive([("stuck", 1), ("a", 2)])
        harness.run()
        check(harness.handled == ["a": [2, 2], "stuck": [1]])
        harness.commit()
        check(harness.committed == at(3))
        harness.engine.complete(jobs[0].work, [(record: jobs[0].record, result: .finished)], now: harness.now)
        check(harness.engine.counters.lateCompletions == 1 && harness.engine.inFlightRecords == 0)
        check(harness.engine.stuckRecords(startedBefore: harness.now, most: 9).isEmpty)
    }

    @Test func aSliceThatDoesNotReturnStopsASeekForAWhileOnly() throws {
        var engine = ConsumerEngineTests.engine(.partitionBatch(ConsumerEngineTests.Projecting()))
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        engine.assign([ConsumerEngineTests.assignment(start: 1)], now: now)
        engine.receive(ConsumerEngineTests.batch([1, 2]), now: now)
        let work = try unwrap(engine.takeWork(now: now))
        engine.seek(partition, to: at(1), now: now)
        engine.tick(now: now + .seconds(10))
        check(engine.takeActions().seek.map(\.position) == [at(1)])
        engine.receive(ConsumerEngineTests.batch([1, 2]), now: now + .seconds(10))
        check(try unwrap(engine.takeWork(now: now + .seconds(10))).recordCount == 2)
        engine.completeBatch(work.id, .finished, now: now + .seconds(11))
        check(engine.counters.lateCompletions == 2 && engine.inFlightRecords == 2)
    }

    @Test func aSeekOfWhatIsNotOwnedIsNotTaken() throws {
        var harness = try EngineHarness(usesFailureStore: false)
        check(!harness.engine.canSeek(partition) && !harness.engine.seek(partition, to: at(1), now: harness.now))
        harness.assign()
        harness.receive([("a", 1)])
        let jobs = harness.takeAll()
        check(harness.engine.canSeek(partition) && harness.engine.seek(partition, to: at(1), now: harness.now))
        check(harness.engine.seek(partition, to: at(2), now: harness.now), "the last one holds")
        harness.engine.revoke([partition], now: harness.now)
        check(!harness.engine.canSeek(partition) && !harness.engine.seek(partition, to: at(1), now: harness.now))
        harness.end(jobs)
    }
}
