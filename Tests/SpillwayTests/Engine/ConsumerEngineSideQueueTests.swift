import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct ConsumerEngineSideQueueTests {
    private func dead(_ harness: EngineHarness) -> WorkResult {
        .move(Move(.deadLetter, reason: "no good"), orRetryAt: harness.now + .seconds(1))
    }

    private func delay(_ harness: EngineHarness, _ wait: Duration) -> WorkResult {
        .move(Move(.delay(until: harness.now + wait), reason: "not yet"), orRetryAt: harness.now + .seconds(1))
    }

    @Test func aHeldKeyTakesItsLaterRecordsAlongAndGoesOnAfterItsLast() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("a", 1), ("b", 2), ("a", 3)])
        let jobs = harness.takeAll()
        check(jobs.map(\.low) == [1, 2])
        harness.end(jobs[0], hold(until: harness.now + .seconds(10)))
        harness.end(jobs[1])
        harness.answerWrites()
        check(harness.sideRecords == 2 && harness.engine.heldKeyCount == 1 && harness.engine.inFlightRecords == 0)
        harness.commit()
        check(harness.committed == Position(high: 1, low: 4), "the partition goes on")
        harness.receive([("a", 4), ("b", 5), ("a", 6)])
        harness.run()
        check(harness.handled == ["b": [2, 5]] && harness.sideRecords == 4)
        harness.advance(.seconds(8))
        harness.run()
        check(harness.handled["a"] == nil, "it isn't due")
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["a"] == [1, 3, 4, 6])
        check(harness.sideRecords == 0 && harness.engine.heldKeyCount == 0 && harness.engine.inFlightRecords == 0)
        harness.receive([("a", 7)])
        check(harness.takeAll().map(\.low) == [7], "the key goes on as others do")
    }

    /// Nothing stands before it, but it is a record as any other.
    @Test func aRecordAtTheFirstPlaceOfALogIsHeldInFrontOfTheOthers() throws {
        var harness = try EngineHarness()
        harness.high = 0
        harness.assign(start: 0)
        harness.receive([("a", 0)])
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        harness.receive([("a", 1)])
        harness.answerWrites()
        check(harness.sideRecords == 2)
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["a"] == [0, 1] && harness.sideRecords == 0)
    }

    @Test func aHeldRecordAtTheFirstPlaceWaitsUntilItHasComeAgain() throws {
        var harness = try EngineHarness()
        harness.high = 0
        harness.assign(start: 0)
        harness.receive([("a", 0)])
        harness.end(harness.takeAll()[0], hold(until: harness.now))
        harness.answerWrites()
        harness.engine.lose([EngineHarness.partition], now: harness.now)
        harness.generation = 2
        harness.assign(start: 0)
        harness.answerLoads()
        check(harness.takeAll().isEmpty, "the log has not delivered it again")
        harness.receive([("a", 0), ("a", 1)])
        harness.run()
        check(harness.handled["a"] == [0, 1] && harness.sideRecords == 0)
    }

    @Test func aStoredRecordHasThePlaceThatItsNameSays() throws {
        let name = RecordName(group: "g", partition: EngineHarness.partition, position: Position(high: 1, low: 3))
        let record = Record(key: [1], value: [2], position: nil, timestampMs: 0)
        let entry = SideEntry(
            name: name, mode: .delayed, dueMs: 0, attempts: 1, rounds: 0, reason: "", record: record)
        let letter = DeadLetter(name: name, record: record, reason: "", attempts: 1, failedAtMs: 0)
        try #require(entry.record.position == name.position && letter.record.position == name.position)
        #expect(entry.record.key == [1] && entry.record.value == [2])
        var harness = try EngineHarness()
        try harness.stored.apply([.put(entry)])
        harness.assign()
        harness.run()
        check(harness.handled["\u{1}"] == [3] && harness.sideRecords == 0)
    }

    @Test func aHeadThatFailsAgainKeepsItsFollowersBehindIt() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive("a", 1...4)
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        for round in 1...3 {
            harness.advance(.seconds(1))
            harness.answerLoads()
            let jobs = harness.takeAll()
            check(jobs.map(\.low) == [1] && jobs[0].record.rounds == round && jobs[0].attempt == round + 1)
            harness.end(jobs[0], hold(until: harness.now + .seconds(1)))
            check(harness.takeAll().isEmpty)
            harness.answerWrites()
            check(harness.sideRecords == 4 && harness.engine.inFlightRecords == 0)
        }
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["a"] == [1, 2, 3, 4] && harness.sideRecords == 0)
    }

    @Test func aHeldKeyIsLookedAtAgainSoonWhereTheClockHasSteppedBack() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.advance(.seconds(7_200))
        harness.receive([("a", 1)])
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(10)))
        harness.answerWrites()
        harness.wallBehind = .seconds(3_600)
        harness.advance(.seconds(11))
        harness.run()
        check(harness.handled["a"] == nil, "not due by the clock")
        harness.wallBehind = .zero
        harness.advance(.seconds(60))
        harness.run()
        check(harness.handled["a"] == [1])
    }

    @Test func aHeldKeySurvivesItsOwner() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive("a", 1...3)
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        harness.engine.lose([EngineHarness.partition], now: harness.now)
        harness.settle()
        check(harness.engine.heldKeyCount == 0)
        // The next owner begins before what was put aside: the log brings it again.
        harness.generation = 2
        harness.assign(start: 2)
        check(harness.engine.heldKeyCount == 1)
        harness.receive("a", 2...5)
        harness.advance(.seconds(1))
        harness.run()
        check(harness.handled["a"] == [1, 2, 3, 4, 5])
        check(harness.sideRecords == 0 && harness.engine.heldKeyCount == 0 && harness.engine.inFlightRecords == 0)
    }

    @Test func aDelayedRecordLetsItsKeyGoOn() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive("a", 1...3)
        harness.end(harness.takeAll()[0], delay(harness, .seconds(5)))
        check(harness.takeAll().map(\.low) == [2], "at once")
        check(harness.engine.inFlightRecords == 3, "it is not finished before the store has it")
        harness.answerWrites()
        check(harness.engine.inFlightRecords == 2 && harness.sideRecords == 1)
        harness.advance(.milliseconds(4_900))
        check(!harness.answerLoads())
        harness.advance(.milliseconds(100))
        harness.answerLoads()
        check(harness.engine.inFlightRecords == 3 && harness.engine.counters.returned == 1)
    }

    @Test func aDelayedRecordThatLeavesTheStoreAfterALookHasReadItDoesNotComeAgain() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("a", 1), ("b", 2)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], delay(harness, .seconds(1)))
        harness.end(jobs[1], delay(harness, .seconds(2)))
        harness.answerWrites()
        harness.advance(.seconds(1))
        harness.answerLoads()
        harness.end(harness.takeAll()[0])
        harness.advance(.seconds(1))
        let taken = harness.engine.takeSideLoads(now: harness.now, wallMs: harness.wallMs)
        let looks = try #require(taken)
        let start = RecordName(group: "g", partition: EngineHarness.partition, position: .start)
        let read = SideLoaded(entries: harness.stored.delayedEntries(start, dueByMs: harness.wallMs, limit: 9))
        check(read.entries.count == 2, "the removal of the first is still on its way")
        harness.answerWrites()
        harness.engine.sideLoaded(looks, [read], now: harness.now, wallMs: harness.wallMs)
        harness.run()
        check(harness.handled == ["a": [1], "b": [2]] && harness.sideRecords == 0)
    }

    @Test func aDeadLetterIsFinishedOnlyOnceTheStoreHasIt() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("a", 1), ("a", 2)])
        harness.end(harness.takeAll()[0], dead(harness))
        harness.end(harness.takeAll()[0])
        harness.commit()
        check(harness.committed == nil, "the commit does not pass it")
        harness.answerWrites(.failed)
        harness.commit()
        check(harness.committed == nil && harness.letters.isEmpty && harness.engine.inFlightRecords == 1)
        harness.answerWrites()
        harness.commit()
        check(harness.committed == Position(high: 1, low: 3) && harness.engine.inFlightRecords == 0)
        check(harness.letters.map(\.reason) == ["no good"] && harness.letters[0].attempts == 1)
        check(harness.engine.counters.deadLettered == 1 && harness.engine.counters.failedMoves == 1)
    }

    @Test func withoutABudgetAFailedRecordStaysInItsPlace() throws {
        var harness = try EngineHarness { $0.retry.moveBudget = MoveBudgetPolicy(capacity: 2, earnedBySuccess: 0.5) }
        harness.assign()
        harness.receive((1...5).map { ("key\($0)", $0) })
        let jobs = harness.takeAll()
        for job in jobs { harness.end(job, dead(harness)) }
        harness.answerWrites()
        check(harness.letters.count == 2 && harness.engine.counters.refusedMoves == 2)
        check(harness.engine.parkedLaneCount == 2 && harness.engine.inFlightRecords == 3)
        // Two successes earn one more.
        harness.end(harness.takeAll())
        harness.advance(.seconds(1))
        let again = harness.takeAll()
        check(again.map(\.attempt) == [2, 2])
        harness.end(again[0])
        harness.end(again[1], dead(harness))
        harness.answerWrites()
        check(harness.letters.count == 3 && harness.engine.inFlightRecords == 0)
    }

    @Test func whatCameFromTheSideQueueGoesBackThereWithoutABudget() throws {
        var harness = try EngineHarness { $0.retry.moveBudget = MoveBudgetPolicy(capacity: 1, earnedBySuccess: 0) }
        harness.assign()
        harness.receive("a", 1...2)
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        for _ in 0..<5 {
            harness.advance(.seconds(1))
            harness.answerLoads()
            harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
            harness.answerWrites()
            check(harness.engine.inFlightRecords == 0 && harness.sideRecords == 2)
        }
        // But to give it up takes a token.
        harness.advance(.seconds(1))
        harness.answerLoads()
        harness.end(harness.takeAll()[0], dead(harness))
        check(!harness.answerWrites() && harness.engine.counters.refusedMoves == 1)
    }

    @Test func aFullStoreStopsOnlyWhatNeedsRoom() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("held", 1), ("held", 2), ("a", 3), ("b", 4)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        harness.advance(.seconds(1))
        harness.answerLoads()
        // One record more is to go there, and two to leave.
        harness.end(jobs[1], hold(until: harness.now + .seconds(1)))
        harness.answerWrites(.full)
        harness.end(harness.takeAll())
        harness.end(harness.takeAll())
        check(harness.handled["held"] == [1, 2])
        harness.answerWrites()
        check(harness.sideRecords == 0, "removing goes on")
        check(harness.handled["b"] == nil && jobs[2].key == "b")
        harness.end(jobs[2])
        harness.commit()
        check(harness.committed == Position(high: 1, low: 3), "what found no room is not finished")
        harness.advance(.seconds(5))
        harness.run()
        harness.advance(.seconds(5))
        harness.run()
        check(harness.handled["a"] == [3] && harness.engine.inFlightRecords == 0)
    }

    @Test func whereThereIsRoomForAPartAPartGoes() throws {
        var harness = try EngineHarness()
        var limits = FailureStoreLimits()
        limits.sideRecords = 12
        harness.stored = FailureTables(limits: limits)
        harness.assign()
        harness.receive("a", 1...40)
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(600)))
        for _ in 0..<20 {
            harness.answerWrites()
            harness.advance(.seconds(5))
        }
        check(harness.sideRecords == 12 && harness.engine.inFlightRecords == 28)
    }

    /// The store fails each call that has a record of that place in it.
    private func answer(_ harness: inout EngineHarness, failing low: UInt64) {
        harness.writes = harness.engine.takeSideWrites(now: harness.now, wallMs: harness.wallMs)
        let isFailing = harness.writes.map { $0.operations.contains { $0.name.position.low == low } } ?? false
        harness.answerWrites(isFailing ? .failed : .applied)
    }

    @Test(arguments: [false, true])
    func aRecordThatTheStoreNeverTakesStopsNoOther(buries: Bool) throws {
        var harness = try EngineHarness { $0.retry.moveBudget.capacity = 1_000 }
        harness.assign()
        harness.receive((1...100).map { ("k\($0)", $0) })
        while case let jobs = harness.takeAll(), !jobs.isEmpty {
            for job in jobs { harness.end(job, buries ? dead(harness) : delay(harness, .seconds(3_600))) }
        }
        for _ in 0..<60 {
            answer(&harness, failing: 37)
            harness.advance(.seconds(5))
        }
        check((buries ? harness.letters.count : harness.sideRecords) == 99)
        check(harness.engine.inFlightRecords == 1, "it waits with its permit, and is tried again")
        harness.commit()
        check(harness.committed == Position(high: 1, low: 37))
        harness.answerWrites()
        check((buries ? harness.letters.count : harness.sideRecords) == 100 && harness.engine.inFlightRecords == 0)
    }

    @Test func aHeldKeyThatTheStoreNeverTakesStopsNoOther() throws {
        var harness = try EngineHarness { $0.retry.moveBudget.capacity = 1_000 }
        harness.assign()
        harness.receive((1...100).map { ("k\($0)", $0) })
        while case let jobs = harness.takeAll(), !jobs.isEmpty {
            for job in jobs { harness.end(job, hold(until: harness.now + .seconds(3_600))) }
        }
        for _ in 0..<60 {
            answer(&harness, failing: 37)
            harness.advance(.seconds(5))
        }
        check(harness.sideRecords == 99 && harness.engine.inFlightRecords == 1)
        harness.answerWrites()
        check(harness.sideRecords == 100 && harness.engine.inFlightRecords == 0)
    }

    /// One delayed record among held keys, or one held key among delayed records.
    @Test(arguments: [true, false], [true, false])
    func aRecordThatTheStoreNeverTakesStopsNoneOfTheOtherKind(isDelayed: Bool, isFullFirst: Bool) throws {
        var harness = try EngineHarness { $0.retry.moveBudget.capacity = 1_000 }
        harness.assign()
        harness.receive((1...100).map { ("k\($0)", $0) })
        while case let jobs = harness.takeAll(), !jobs.isEmpty {
            for job in jobs {
                let isOdd = job.low == 37
                harness.end(
                    job,
                    isOdd == isDelayed ? delay(harness, .seconds(3_600)) : hold(until: harness.now + .seconds(3_600)))
            }
        }
        if isFullFirst {
            harness.answerWrites(.full)
            harness.advance(.seconds(5))
        }
        for _ in 0..<120 {
            answer(&harness, failing: 37)
            harness.advance(.seconds(5))
        }
        check(harness.sideRecords == 99)
    }

    @Test func removalsThatFailLeaveInTheirOrder() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive("a", 1...3)
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        harness.advance(.seconds(1))
        harness.answerLoads()
        harness.end(harness.takeAll()[0])
        harness.writes = harness.engine.takeSideWrites(now: harness.now, wallMs: harness.wallMs)
        harness.end(harness.takeAll()[0])
        harness.end(harness.takeAll()[0])
        harness.answerWrites(.failed)
        var removed: [UInt64] = []
        for _ in 0..<3 {
            harness.advance(.seconds(5))
            guard let writes = harness.engine.takeSideWrites(now: harness.now, wallMs: harness.wallMs) else { break }
            removed += writes.operations.map { if case .remove(let name) = $0 { name.position.low } else { 0 } }
            harness.writes = writes
            harness.answerWrites()
        }
        check(removed == [1, 2, 3])
    }

    @Test func aFullStoreLetsAKeyGoOnWhoseLastPutMayHaveArrived() throws {
        var harness = try EngineHarness()
        var limits = FailureStoreLimits()
        limits.sideRecords = 2
        harness.stored = FailureTables(limits: limits)
        harness.assign()
        harness.receive([("full", 1), ("full", 2), ("a", 3), ("a", 4)])
        let jobs = harness.takeAll()
        harness.end(jobs[0], hold(until: harness.now + .seconds(3_600)))
        harness.answerWrites()
        check(harness.sideRecords == 2)
        harness.end(jobs[1], hold(until: harness.now + .seconds(1)))
        harness.answerWrites(.failed)
        for _ in 0..<20 {
            harness.advance(.milliseconds(200))
            harness.run()
        }
        check(harness.handled == ["a": [3, 4]] && harness.sideRecords == 2)
        check(harness.engine.inFlightRecords == 0 && harness.engine.heldKeyCount == 1)
    }

    @Test func aReadThatFailsIsMadeAgain() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive("a", 1...2)
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(1)))
        harness.answerWrites()
        harness.advance(.seconds(1))
        harness.answerLoads(fails: true)
        harness.run()
        check(harness.handled.isEmpty, "not at once")
        let deadline = try unwrap(harness.engine.nextDeadline(now: harness.now))
        check(deadline - harness.now <= .milliseconds(200))
        harness.advance(.milliseconds(200))
        harness.run()
        check(harness.handled["a"] == [1, 2])
    }

    @Test func manyPutsOfOneHeldKeyLeaveNothingBehind() throws {
        var harness = try EngineHarness()
        harness.assign()
        harness.receive([("a", 1)])
        harness.end(harness.takeAll()[0], hold(until: harness.now + .seconds(60)))
        harness.answerWrites()
        for low in UInt64(2)...500 {
            harness.receive([("a", low)])
            harness.answerWrites()
            harness.answerLoads()
        }
        check(harness.engine.heldKeys.due.count == 1, "the key waits once for its time")
        harness.advance(.seconds(60))
        harness.run()
        harness.run()
        check(harness.handled["a"] == Array(1...500) && harness.engine.heldKeyCount == 0)
    }

    @Test func manyDelayedRecordsDontKeepAHeldKeyFromComingBack() throws {
        var harness = try EngineHarness {
            $0.maxInFlightRecords = 80
            $0.retry.moveBudget = MoveBudgetPolicy(capacity: 10_000)
        }
        harness.assign()
        for low in UInt64(1)...200 {
            harness.receive([("late\(low)", low)])
            harness.end(harness.takeAll()[0], delay(harness, .milliseconds(1)))
            harness.answerWrites()
        }
        harness.receive([("held", 201)])
        harness.end(harness.takeAll()[0], hold(until: harness.now + .milliseconds(1)))
        harness.answerWrites()
        harness.advance(.seconds(1))
        while harness.handled["held"] == nil {
            harness.answerLoads()
            let jobs = harness.takeAll()
            try #require(!jobs.isEmpty)
            harness.end(jobs)
            harness.answerWrites()
        }
        check(harness.handled.count < 50)
    }

    @Test func fencingGivesEveryPermitBack() throws {
        for seed in UInt64(0)..<200 {
            var random = SeededRandom(seed: seed)
            var harness = try EngineHarness()
            harness.assign()
            var low: UInt64 = 1
            var jobs: [EngineHarness.Job] = []
            for _ in 0..<Int.random(in: 1...60, using: &random) {
                switch Int.random(in: 0..<8, using: &random) {
                case 0, 1:
                    harness.receive([("key\(Int.random(in: 0..<4, using: &random))", low)])
                    low += 1
                case 2: jobs += harness.take()
                case 3: if let job = jobs.popLast() { harness.end(job) }
                case 4: if let job = jobs.popLast() { harness.end(job, hold(until: harness.now + .seconds(1))) }
                case 5: if let job = jobs.popLast() { harness.end(job, dead(harness)) }
                case 6: if let job = jobs.popLast() { harness.end(job, delay(harness, .seconds(1))) }
                default:
                    harness.answerWrites(random.chance(0.7) ? .applied : .failed)
                    harness.advance(.milliseconds(500))
                    harness.answerLoads()
                }
            }
            // A call to the store and reads may be under way.
            if random.chance(0.5) { harness.writes = harness.engine.takeSideWrites(now: harness.now, wallMs: 0) }
            harness.engine.lose([EngineHarness.partition], now: harness.now)
            if harness.writes != nil { harness.answerWrites(random.chance(0.5) ? .applied : .failed) }
            check(harness.engine.inFlightRecords == jobs.count, "only what is with workers holds permits")
            for job in jobs {
                harness.engine.complete(job.work, [(record: job.record, result: .finished)], now: harness.now)
            }
            check(harness.engine.inFlightRecords == 0 && harness.engine.inFlightBytes == 0)
            check(harness.engine.laneCount == 0 && harness.engine.lanes.entries.count == 0)
            check(harness.engine.takeSideWrites(now: harness.now + .seconds(60), wallMs: 0) == nil)
        }
    }

    @Test func heldKeysWalkInOrderThroughFailuresOfTheStore() throws {
        for seed in UInt64(0)..<40 {
            var random = SeededRandom(seed: seed)
            var harness = try EngineHarness {
                $0.retry.moveBudget = MoveBudgetPolicy(capacity: 10_000)
                $0.concurrency = 3
                $0.hotKeys = HotKeyPolicy(
                    share: 0.3, window: .seconds(2), minRecords: 20, workers: 1, maxQueuedRecords: 3,
                    overflow: .sideQueue)
            }
            var limits = FailureStoreLimits()
            limits.sideRecords = [5, 12, 10_000].randomElement(using: &random) ?? 5
            harness.stored = FailureTables(limits: limits)
            harness.assign()
            var expected: [String: [UInt64]] = [:]
            var jobs: [EngineHarness.Job] = []
            for low in UInt64(1)...150 {
                let key = random.chance(0.5) ? "k" : "key\(Int.random(in: 0..<3, using: &random))"
                harness.receive([(key, low)])
                expected[key, default: []].append(low)
                for _ in 0..<3 {
                    jobs += harness.take()
                    if !jobs.isEmpty, random.chance(0.6) {
                        let job = jobs.remove(at: Int.random(in: jobs.indices, using: &random))
                        let wait = Duration.milliseconds(Int.random(in: 1...80, using: &random))
                        let retry = WorkResult.retry(at: harness.now + wait)
                        harness.end(
                            job,
                            random.chance(0.7)
                                ? .finished : random.chance(0.5) ? hold(until: harness.now + wait) : retry)
                    }
                    if random.chance(0.4) { harness.answerWrites(random.chance(0.6) ? .applied : .failed) }
                    if random.chance(0.4) { harness.answerLoads(fails: random.chance(0.2)) }
                    harness.advance(.milliseconds(7))
                }
            }
            harness.end(jobs)
            for _ in 0..<60 {
                harness.advance(.seconds(1))
                harness.run()
            }
            check(harness.handled == expected, "seed \(seed)")
            check(harness.engine.inFlightRecords == 0 && harness.engine.heldKeyCount == 0 && harness.sideRecords == 0)
        }
    }
}

extension FailureOperation {
    /// The record that it is of.
    fileprivate var name: RecordName {
        switch self {
        case .put(let entry), .putIfAbsent(let entry): entry.name
        case .remove(let name): name
        case .bury(let letter): letter.name
        }
    }
}
