import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct ConsumerEngineControlTests {
    private func at(_ low: UInt64) -> Position { Position(high: 1, low: low) }
    private var partition: TopicPartition { EngineHarness.partition }

    // MARK: Pause

    @Test func aPauseIsToldOnceAndAResumeToo() throws {
        var harness = try EngineHarness(usesFailureStore: false)
        harness.assign()
        _ = harness.takeActions()
        harness.engine.setPaused(true, [partition, ConsumerEngineTests.second])
        harness.engine.setPaused(true, [partition])
        harness.settle()
        check(harness.takeActions().pause == [partition])
        harness.engine.setPaused(false, [partition])
        harness.engine.setPaused(false, [partition])
        harness.settle()
        check(harness.takeActions().resume == [partition])
    }

    @Test func roomDoesNotResumeWhatSomebodyPaused() throws {
        var harness = try EngineHarness(usesFailureStore: false) { $0.maxUncommittedRecords = 4 }
        harness.assign()
        harness.receive("a", 1...5)
        check(harness.takeActions().pause == [partition])
        harness.engine.setPaused(true, [partition])
        harness.run()
        check(harness.takeActions().resume.isEmpty)
        harness.engine.setPaused(false, [partition])
        harness.settle()
        check(harness.takeActions().resume == [partition])
    }

    @Test func aPausedPartitionOpensWithoutBeingResumed() throws {
        var harness = try EngineHarness()
        harness.engine.assign([ConsumerEngineTests.assignment(start: 1)], now: harness.now)
        harness.engine.setPaused(true, [partition])
        harness.settle()
        check(harness.takeActions().resume.isEmpty)
        harness.engine.setPaused(false, [partition])
        harness.settle()
        check(harness.takeActions().resume == [partition])
    }

    @Test func aPartitionThatIsGivenBackWhilePausedComesBackResumed() throws {
        for isResumedMeanwhile in [true, false] {
            var harness = try EngineHarness(usesFailureStore: false)
            harness.assign()
            harness.receive([("a", 1)])
            let jobs = harness.takeAll()
            harness.engine.setAllPaused(true)
            harness.engine.revoke([partition], now: harness.now)
            if isResumedMeanwhile { harness.engine.setAllPaused(false) }
            harness.settle()
            harness.end(jobs)
            harness.commit()
            let actions = harness.takeActions()
            check(actions.resume == [partition] && actions.completeRevocation == [partition])
        }
    }

    @Test func aPauseThatComesWithMoreRoomHolds() throws {
        var harness = try EngineHarness { $0.maxUncommittedRecords = 4 }
        harness.assign()
        harness.receive([("stuck", 1), ("a", 2), ("b", 3), ("c", 4)])
        _ = harness.takeActions()
        var settings = harness.engine.settings
        settings.maxUncommittedRecords = 100
        harness.engine.change(settings, now: harness.now)
        harness.engine.setAllPaused(true)
        harness.settle()
        let actions = harness.takeActions()
        check(actions.pause == [partition] && actions.resume.isEmpty)
        harness.engine.setAllPaused(false)
        harness.settle()
        check(harness.takeActions().resume == [partition])
    }

    @Test func aPausedPartitionThatIsAssignedAnewIsPausedUntilItIsOpened() throws {
        var harness = try EngineHarness { $0.maxUncommittedRecords = 4 }
        harness.assign()
        _ = harness.takeActions()
        harness.receive((1...4).map { ("key\($0)", $0) })
        check(harness.takeActions().pause == [partition])
        harness.engine.assign([ConsumerEngineTests.assignment(generation: 2, start: 1)], now: harness.now)
        let actions = harness.engine.takeActions()
        check(actions.pause == [partition] && actions.resume.isEmpty && actions.open.count == 1)
    }

    // MARK: Seek

    @Test(arguments: [UInt64(1), 40])
    func aSeekDropsWhatWaitsAndWaitsForWhatRuns(target: UInt64) throws {
        var harness = try EngineHarness(usesFailureStore: false) { $0.concurrency = 2 }
        harness.assign()
        harness.receive((10...19).map { ("key\($0 % 5)", $0) })
        let jobs = harness.takeAll()
        check(jobs.count == 2)
        _ = harness.takeActions()
        harness.engine.seek(partition, to: at(target), now: harness.now)
        harness.settle()
        check(harness.engine.inFlightRecords == 2 && harness.takeAll().isEmpty)
        check(harness.takeActions().seek.isEmpty, "what runs ends first")
        harness.receive([("late", 20)])
        check(harness.engine.inFlightRecords == 2, "what comes meanwhile is of the old place")
        harness.end(jobs[0])
        harness.end(jobs[1], .retry(at: harness.now))
        harness.place()
        let actions = harness.takeActions()
        check(actions.seek.map(\.position) == [at(target)] && harness.engine.inFlightRecords == 0)
        harness.receive([("a", target), ("a", target + 1)])
        harness.run()
        check(harness.handled["a"] == [target, target + 1])
        harness.commit()
        check(harness.committed == at(target + 2))
    }

    @Test(arguments: [false, true])
    func whatWasOnItsWayDuringASeekIsNotTakenForTheNewPlace(usesFailureStore: Bool) throws {
        var harness = try EngineHarness(usesFailureStore: usesFailureStore)
        harness.assign(start: 10)
        harness.receive("a", 10...19)
        harness.run()
        let seeksDone = harness.engine.seeksAsked
        harness.engine.seek(partition, to: at(1), now: harness.now)
        harness.place()
        _ = harness.takeActions()
        // The broker was asked for one of them before the seek, and for the other one before the seek that followed.
        for (low, seeksDone) in [(20, seeksDone), (21, harness.engine.seeksAsked)] as [(UInt64, UInt64)] {
            harness.receive([("a", low)], seeksDone: seeksDone)
            check(harness.engine.inFlightRecords == 0)
            check(harness.takeActions().seek.map(\.position) == [at(1)])
        }
        harness.receive("a", 1...21)
        harness.run()
        check(harness.handled["a"] == Array(10...19) + Array(1...21))
        harness.commit()
        check(harness.committed == at(22))
    }

    @Test func aSeekOfOnePartitionLeavesWhatIsOnItsWayOfOthers() throws {
        var harness = try EngineHarness(usesFailureStore: false)
        harness.assign()
        let second = ConsumerEngineTests.second
        harness.engine.assign([Assignment(partition: second, generation: 1, start: at(1))], now: harness.now)
        harness.engine.seek(second, to: at(9), now: harness.now)
        harness.place()
        harness.receive([("a", 1)], seeksDone: 0)
        check(harness.engine.inFlightRecords == 1)
    }

    @Test func aSeekEndsAlsoWhenAllThatRunsSucceeds() throws {
        var harness = try EngineHarness(usesFailureStore: false)
        harness.assign()
        harness.receive([("a", 1), ("b", 2)])
        let jobs = harness.takeAll()
        harness.engine.seek(partition, to: at(50), now: harness.now)
        harness.end(jobs)
        harness.place()
        check(harness.takeActions().seek.map(\.position) == [at(50)])
    }

    @Test(arguments: [UInt64(1), 5, 40])
    func aPartitionThatIsAskedBackMeanwhileIsLeftAtTheNewPlace(target: UInt64) throws {
        var harness = try EngineHarness(usesFailureStore: false)
        harness.assign()
        harness.receive("a", 1...9)
        let jobs = harness.takeAll()
        harness.engine.seek(partition, to: at(target), now: harness.now)
        harness.engine.revoke([partition], now: harness.now)
        harness.end(jobs)
        harness.commit()
        check(harness.committed == at(target))
        check(harness.takeActions().completeRevocation == [partition])
    }

    @Test func theNewPlaceIsCommittedOnceUnderTheSameGeneration() throws {
        var harness = try EngineHarness(usesFailureStore: false)
        harness.generation = 7
        harness.assign(start: 30)
        harness.receive("a", 30...39)
        harness.run()
        harness.commit()
        check(harness.committed == at(40))
        harness.engine.seek(partition, to: at(5), now: harness.now)
        let commits = try unwrap(harness.engine.takeCommits(now: harness.now))
        check(commits.map(\.next) == [at(5)] && commits.map(\.generation) == [7])
        harness.engine.commitEnded(.stored, now: harness.now)
        check(harness.engine.takeCommits(now: harness.now + .seconds(100)) == nil)
        // One that fails is made again.
        harness.engine.seek(partition, to: at(3), now: harness.now)
        _ = try unwrap(harness.engine.takeCommits(now: harness.now))
        harness.engine.commitEnded(.failed, now: harness.now)
        harness.committed = nil
        harness.commit()
        check(harness.committed == at(3))
    }

    @Test func aCommitOfTheOldPlaceThatIsUnderWayDoesNotHideTheNewOne() throws {
        var harness = try EngineHarness(usesFailureStore: false)
        harness.assign()
        harness.receive("a", 1...10)
        harness.run()
        harness.advance(.seconds(1))
        let old = try unwrap(harness.engine.takeCommits(now: harness.now))
        check(old.map(\.next) == [at(11)])
        harness.engine.seek(partition, to: at(4), now: harness.now)
        harness.engine.commitEnded(.stored, now: harness.now)
        check(harness.engine.takeActions().seek.isEmpty, "that was not the new place")
        check(try unwrap(harness.engine.takeCommits(now: harness.now)).map(\.next) == [at(4)])
        harness.engine.commitEnded(.stored, now: harness.now)
        check(harness.engine.takeActions().seek.map(\.position) == [at(4)])
    }

    @Test func theLastOfSeveralSeeksHolds() throws {
        for usesFailureStore in [false, true] {
            var harness = try EngineHarness(usesFailureStore: usesFailureStore)
            harness.assign()
            _ = harness.takeActions()
            // The second comes before the first has been committed.
            for low in [UInt64(20), 7] { harness.engine.seek(partition, to: at(low), now: harness.now) }
            harness.place()
            check(harness.takeActions().seek.last?.position == at(7))
            harness.receive([("a", 7)])
            harness.run()
            check(harness.handled["a"] == [7])
            harness.commit()
            check(harness.committed == at(8))
        }
    }

    @Test func aPauseWhileASeekWaitsHolds() throws {
        for isPaused in [true, false] {
            var harness = try EngineHarness(usesFailureStore: false)
            harness.assign()
            harness.engine.setPaused(!isPaused, [partition])
            harness.receive([("a", 1)])
            let jobs = harness.takeAll()
            harness.settle()
            _ = harness.takeActions()
            harness.engine.seek(partition, to: at(9), now: harness.now)
            harness.engine.setPaused(isPaused, [partition])
            harness.end(jobs)
            harness.place()
            let actions = harness.takeActions()
            check(actions.seek.map(\.position) == [at(9)])
            check(actions.pause == [partition], "by somebody, or until the place is stored")
            check(actions.resume == (isPaused ? [] : [partition]))
        }
    }

    @Test func aSeekLeavesTheSideQueueInOrder() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("a", 1), ("b", 2), ("a", 3)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], hold(until: harness.now + .seconds(5)))
        harness.end(jobs[1])
        harness.answerWrites()
        harness.engine.seek(partition, to: at(1), now: harness.now)
        harness.place()
        check(harness.engine.heldKeyCount == 1)
        harness.receive([("a", 1), ("b", 2), ("a", 3), ("a", 4)])
        harness.run()
        check(harness.handled == ["b": [2, 2]])
        harness.advance(.seconds(5))
        harness.run()
        check(harness.handled["a"] == [1, 3, 4] && harness.engine.inFlightRecords == 0)
    }

    // MARK: Settings

    private func change(_ harness: inout EngineHarness, _ body: (inout EngineSettings) -> Void) {
        var settings = harness.engine.settings
        body(&settings)
        harness.engine.change(settings, now: harness.now)
        harness.settle()
    }

    @Test func moreWorkersTakeMoreAtOnceAndFewerAsTheyBecomeFree() throws {
        var harness = try EngineHarness { $0.concurrency = 2 }
        harness.assign()
        harness.receive((1...12).map { ("key\($0)", $0) })
        var jobs = harness.takeAll()
        check(jobs.count == 2)
        change(&harness) { $0.concurrency = 5 }
        jobs += harness.takeAll()
        check(jobs.count == 5 && harness.engine.maxWorkers == 5)
        change(&harness) { $0.concurrency = 1 }
        for index in 0..<4 {
            harness.end(jobs[index])
            check(harness.takeAll().isEmpty)
        }
        harness.end(jobs[4])
        check(Set(harness.takeAll().map(\.work)).count == 1)
    }

    @Test func otherBatchLimitsHoldForTheNextBatch() throws {
        var harness = try EngineHarness()
        harness.engine.settings.isSingle = false
        change(&harness) { $0.limits = BatchLimits(maxRecords: 4, maxBytes: 1_000, maxDelay: .seconds(1)) }
        harness.assign()
        harness.receive((1...9).map { ("key\($0)", $0) })
        check(harness.takeAll().count == 8)
        harness.advance(.milliseconds(999))
        check(harness.takeAll().isEmpty)
        change(&harness) { $0.limits.maxDelay = .milliseconds(500) }
        check(harness.takeAll().count == 1)
    }

    @Test func aLargerWindowResumesAPartitionThatItStopped() throws {
        var harness = try EngineHarness { $0.maxUncommittedRecords = 4 }
        harness.assign()
        _ = harness.takeActions()
        harness.receive([("stuck", 1), ("a", 2), ("b", 3), ("c", 4)])
        check(harness.takeActions().pause == [partition])
        for job in harness.takeAll() where job.key != "stuck" { harness.end(job) }
        check(harness.takeActions().resume.isEmpty)
        change(&harness) { $0.maxUncommittedRecords = 100 }
        check(harness.takeActions().resume == [partition])
    }

    @Test func aPartitionThatStoppedAtItsShareGoesOnWhenOthersHaveGone() throws {
        for isGivenBack in [true, false] {
            var harness = try EngineHarness(usesFailureStore: false)
            harness.assign()
            let second = ConsumerEngineTests.second
            harness.engine.assign([Assignment(partition: second, generation: 1, start: at(1))], now: harness.now)
            harness.receive("a", 1...190)
            check(harness.takeActions().pause == [partition])
            if isGivenBack {
                harness.engine.revoke([second], now: harness.now)
            } else {
                harness.engine.lose([second], now: harness.now)
            }
            harness.settle()
            check(harness.takeActions().resume == [partition], "nothing of its own has to end for that")
        }
    }

    @Test func aShorterCommitIntervalHoldsForWhatHasEndedAlready() throws {
        var harness = try EngineHarness(usesFailureStore: false) { $0.commitInterval = .seconds(60) }
        harness.assign()
        harness.receive("a", 1...3)
        harness.run()
        change(&harness) { $0.commitInterval = .seconds(1) }
        check(harness.engine.nextDeadline(now: harness.now) == harness.now + .seconds(1))
        harness.commit()
        check(harness.committed == at(4))
        // A longer one does not put off what is due before, nor a shorter one end the pause after a failure.
        harness.receive("a", 4...5)
        harness.run()
        change(&harness) { $0.commitInterval = .seconds(60) }
        harness.advance(.seconds(1))
        _ = try unwrap(harness.engine.takeCommits(now: harness.now))
        harness.engine.commitEnded(.failed, now: harness.now)
        change(&harness) { $0.commitInterval = .milliseconds(1) }
        check(harness.engine.takeCommits(now: harness.now + .milliseconds(99)) == nil)
        check(harness.engine.takeCommits(now: harness.now + .milliseconds(100)) != nil)
    }

    @Test func settingsChangeAtRandomWhileRecordsFlow() throws {
        for seed in UInt64(0)..<60 {
            var random = SeededRandom(seed: seed)
            var harness = try EngineHarness()
            harness.engine.settings.isSingle = seed.isMultiple(of: 2)
            harness.assign()
            var expected: [String: [UInt64]] = [:]
            var jobs: [EngineHarness.Job] = []
            for low in UInt64(1)...200 {
                let key = "key\(Int.random(in: 0..<6, using: &random))"
                harness.receive([(key, low)])
                expected[key, default: []].append(low)
                if random.chance(0.2) {
                    change(&harness) {
                        $0.concurrency = Int.random(in: 1...6, using: &random)
                        $0.rate.recordsPerSecond = random.chance(0.5) ? nil : Double.random(in: 1...500, using: &random)
                        $0.hotKeys =
                            random.chance(0.5)
                            ? nil : HotKeyPolicy(share: 0.2, window: .seconds(1), minRecords: 10, workers: 2)
                        $0.adaptiveConcurrency = random.chance(0.5) ? nil : AdaptiveConcurrency()
                        $0.limits.maxRecords = random.chance(0.5) ? 1 : 3
                    }
                }
                jobs += harness.take()
                while jobs.count > 8 || (!jobs.isEmpty && random.chance(0.5)) {
                    // Records of one lane end in their order, all at once.
                    let lane = jobs[0].record.lane
                    let ends = jobs.prefix { $0.record.lane == lane && $0.work == jobs[0].work }
                    jobs.removeFirst(ends.count)
                    for job in ends { harness.handled[job.key, default: []].append(job.low) }
                    harness.engine.complete(
                        ends[0].work, ends.map { (record: $0.record, result: WorkResult.finished) }, now: harness.now)
                }
                harness.advance(.milliseconds(20))
            }
            change(&harness) {
                $0.rate = RateLimits()
                $0.limits.maxRecords = 1
            }
            while !jobs.isEmpty {
                let lane = jobs[0].record.lane
                let ends = jobs.prefix { $0.record.lane == lane && $0.work == jobs[0].work }
                jobs.removeFirst(ends.count)
                for job in ends { harness.handled[job.key, default: []].append(job.low) }
                harness.engine.complete(
                    ends[0].work, ends.map { (record: $0.record, result: WorkResult.finished) }, now: harness.now)
            }
            harness.run()
            check(harness.handled == expected && harness.engine.inFlightRecords == 0, "seed \(seed)")
        }
    }

    // MARK: Rate

    @Test func theRateGivesWorkAgainAtTheNextDeadline() throws {
        var harness = try EngineHarness { $0.rate = RateLimits(recordsPerSecond: 2, burstSeconds: 1) }
        harness.assign()
        harness.commit()
        harness.receive((1...5).map { ("key\($0)", $0) })
        harness.run()
        check(harness.handled.count == 2)
        let start = harness.now
        while harness.handled.count < 5 {
            harness.answerLoads()
            let deadline = try unwrap(harness.engine.nextDeadline(now: harness.now))
            harness.advance(deadline - harness.now)
            harness.run()
            try #require(harness.now - start < .seconds(3))
        }
        check(harness.now - start >= .milliseconds(1_499))
    }

    // MARK: Giving back

    @Test func recordsThatAWorkerHasNotBegunGoToOthers() throws {
        var harness = try EngineHarness { $0.concurrency = 2 }
        harness.assign()
        // Handling is so short that a worker takes many.
        harness.receive((1...8).map { ("warm\($0)", $0) })
        while true {
            let jobs = harness.takeAll()
            if jobs.isEmpty { break }
            for job in jobs { harness.end(job) }
        }
        harness.receive((9...28).map { ("key\($0)", $0) })
        let work = try unwrap(harness.engine.takeWork(now: harness.now))
        guard case .records(let records) = work.content else { throw Trouble() }
        check(records.count > 2)
        let ended = records[0]
        let rest = Array(records[2...])
        harness.engine.giveBack(work.id, rest, now: harness.now)
        harness.engine.complete(work.id, [(record: ended, result: .finished)], now: harness.now)
        var others = harness.takeAll()
        var seen = Set(others.map(\.low))
        while !others.isEmpty {
            harness.end(others)
            others = harness.takeAll()
            seen.formUnion(others.map(\.low))
        }
        check(seen.isSuperset(of: rest.compactMap { $0.context.record.position?.low }))
        check(harness.engine.inFlightRecords == 1 && harness.engine.hasRunningWork)
        harness.engine.complete(work.id, [(record: records[1], result: .finished)], now: harness.now)
        check(harness.engine.inFlightRecords == 0 && !harness.engine.hasRunningWork)
    }

    @Test func whatIsGivenBackOfAPartitionThatHasGoneIsForgotten() throws {
        var harness = try EngineHarness { $0.concurrency = 1 }
        harness.assign()
        harness.receive((1...4).map { ("warm\($0)", $0) })
        harness.run()
        harness.receive((9...28).map { ("key\($0)", $0) })
        let work = try unwrap(harness.engine.takeWork(now: harness.now))
        guard case .records(let records) = work.content, records.count > 1 else { throw Trouble() }
        harness.engine.lose([partition], now: harness.now)
        check(harness.engine.inFlightRecords == records.count)
        harness.engine.giveBack(work.id, Array(records[1...]), now: harness.now)
        check(harness.engine.inFlightRecords == 1)
        harness.engine.complete(work.id, [(record: records[0], result: .finished)], now: harness.now)
        check(harness.engine.inFlightRecords == 0 && harness.engine.lanes.entries.count == 0)
    }
}
