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
        harness.place()
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
        harness.place()
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
            harness.place()
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
        engine.opened(partition, epoch: 1, at: nil, now: now)
        _ = engine.takeActions()
        engine.receive(ConsumerEngineTests.batch([1, 2]), now: now)
        let work = try unwrap(engine.takeWork(now: now))
        engine.seek(partition, to: at(1), now: now)
        engine.tick(now: now + .seconds(10))
        check(try unwrap(engine.takeCommits(now: now + .seconds(10))).map(\.next) == [at(1)])
        engine.commitEnded(.stored, now: now + .seconds(10))
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

    // MARK: The commit of the new place

    /// A partition that goes back from 10 to 3, and waits for the commit of that.
    private func placing(usesFailureStore: Bool = false) throws -> EngineHarness {
        var harness = try EngineHarness(usesFailureStore: usesFailureStore)
        harness.assign()
        harness.receive("a", 1...9)
        harness.run()
        harness.commit()
        _ = harness.takeActions()
        harness.engine.seek(partition, to: at(3), now: harness.now)
        return harness
    }

    /// Ends the commit that is due.
    private func end(_ harness: inout EngineHarness, _ result: CommitResult) throws -> [Position] {
        let commits = try unwrap(harness.engine.takeCommits(now: harness.now))
        harness.engine.commitEnded(result, now: harness.now)
        harness.settle()
        return commits.map(\.next)
    }

    @Test(arguments: [false, true])
    func nothingOfTheNewPlaceIsDeliveredBeforeItIsStored(usesFailureStore: Bool) throws {
        var harness = try placing(usesFailureStore: usesFailureStore)
        let first = harness.engine.takeActions()
        check(first.pause == [partition] && first.seek.isEmpty && first.open.isEmpty && first.resume.isEmpty)
        check(harness.engine.inspect(longest: 0).partitions.map(\.isPaused) == [true])
        harness.receive("a", 10...12)
        check(harness.engine.inFlightRecords == 0, "what comes meanwhile is of the old place")
        let commits = try unwrap(harness.engine.takeCommits(now: harness.now))
        check(commits.map(\.next) == [at(3)] && commits.map(\.hint) == [nil])
        check(harness.engine.takeActions().seek.isEmpty)
        harness.engine.commitEnded(.stored, now: harness.now)
        let then = harness.engine.takeActions()
        check(then.seek.map(\.position) == [at(3)])
        check(then.open.count == (usesFailureStore ? 1 : 0) && then.resume == (usesFailureStore ? [] : [partition]))
        check(harness.engine.takeCommits(now: harness.now + .seconds(100)) == nil, "it is stored")
    }

    @Test func aCommitThatFailsIsMadeAgainUntilItIsStored() throws {
        var harness = try placing()
        for _ in 0..<5 {
            check(try end(&harness, .failed) == [at(3)])
            check(harness.engine.takeCommits(now: harness.now) == nil, "not at once")
            check(harness.engine.nextDeadline(now: harness.now) == harness.now + .milliseconds(100))
            harness.advance(.milliseconds(100))
            check(harness.takeActions().seek.isEmpty)
        }
        check(try end(&harness, .stored) == [at(3)])
        check(harness.takeActions().seek.map(\.position) == [at(3)])
    }

    @Test func aSeekWhoseCommitIsRefusedIsLostWhole() throws {
        var harness = try placing()
        harness.settle()
        _ = try end(&harness, .refused([partition]))
        let actions = harness.takeActions()
        check(actions.seek.isEmpty && actions.pause == [partition] && actions.resume == [partition])
        check(harness.engine.takeCommits(now: harness.now + .seconds(100)) == nil)
    }

    @Test func aPartitionThatIsLostBeforeItsNewPlaceIsStoredIsResumed() throws {
        var harness = try placing()
        harness.engine.lose([partition], now: harness.now)
        harness.settle()
        let actions = harness.takeActions()
        check(actions.seek.isEmpty && actions.resume == [partition])
    }

    @Test(arguments: [false, true])
    func aPartitionThatGoesBeforeItsNewPlaceIsStoredIsLeftThere(isUnderWay: Bool) throws {
        for isShutDown in [false, true] {
            var harness = try placing()
            let commits = try isUnderWay ? unwrap(harness.engine.takeCommits(now: harness.now)) : []
            if isShutDown {
                harness.engine.shutDown(now: harness.now)
            } else {
                harness.engine.revoke([partition], now: harness.now)
            }
            harness.settle()
            check(harness.actions.completeRevocation.isEmpty && !harness.engine.states.isEmpty)
            if isUnderWay {
                check(commits.map(\.next) == [at(3)])
                harness.engine.commitEnded(.stored, now: harness.now)
                harness.settle()
            } else {
                check(try end(&harness, .stored) == [at(3)])
            }
            let actions = harness.takeActions()
            check(actions.seek.isEmpty && actions.resume.contains(partition))
            check(actions.completeRevocation == (isShutDown ? [] : [partition]) && harness.engine.states.isEmpty)
            check(harness.engine.takeCommits(now: harness.now + .seconds(100)) == nil)
        }
    }

    @Test func aPartitionWhoseNewPlaceIsNeverStoredIsGivenBackAllTheSame() throws {
        var harness = try placing()
        harness.engine.revoke([partition], now: harness.now)
        for _ in 0..<109 {
            _ = try end(&harness, .failed)
            check(harness.actions.completeRevocation.isEmpty)
            harness.advance(.milliseconds(100))
        }
        _ = try end(&harness, .failed)
        harness.advance(.milliseconds(100))
        check(harness.takeActions().completeRevocation == [partition])
    }

    @Test(arguments: [UInt64(2), 3, 7])
    func aSecondSeekWaitsForACommitOfItsOwn(target: UInt64) throws {
        var harness = try placing()
        let first = try unwrap(harness.engine.takeCommits(now: harness.now))
        check(first.map(\.next) == [at(3)])
        harness.engine.seek(partition, to: at(target), now: harness.now)
        harness.engine.commitEnded(.stored, now: harness.now)
        harness.settle()
        check(harness.takeActions().seek.isEmpty)
        check(try end(&harness, .stored) == [at(target)])
        check(harness.takeActions().seek.map(\.position) == [at(target)])
    }

    @Test func aPauseMeanwhileHoldsAndAResumeWaits() throws {
        for isPaused in [true, false] {
            var harness = try placing()
            harness.settle()
            _ = harness.takeActions()
            harness.engine.setPaused(true, [partition])
            if !isPaused { harness.engine.setPaused(false, [partition]) }
            harness.settle()
            check(harness.takeActions().isEmpty, "it is paused until then")
            harness.place()
            check(harness.takeActions().resume == (isPaused ? [] : [partition]))
            harness.engine.setPaused(false, [partition])
            harness.settle()
            check(harness.takeActions().resume == (isPaused ? [partition] : []))
        }
    }

    @Test func whatWasLeftBehindMayEndWhileTheNewPlaceIsCommitted() throws {
        for result in [WorkResult.finished, .retry(at: .zero)] {
            var harness = try EngineHarness()
            harness.assign()
            harness.receive([("stuck", 1)])
            let job = try #require(harness.takeAll().first)
            harness.engine.seek(partition, to: at(1), now: harness.now)
            harness.advance(.seconds(10))
            let commits = try unwrap(harness.engine.takeCommits(now: harness.now))
            harness.engine.complete(job.work, [(record: job.record, result: result)], now: harness.now)
            harness.engine.commitEnded(.stored, now: harness.now)
            harness.settle()
            check(commits.map(\.next) == [at(1)] && harness.engine.inFlightRecords == 0)
            harness.receive([("stuck", 1)])
            harness.run()
            check(harness.handled == ["stuck": [1]])
        }
    }
}
