import Reactions
import Spillway
import SpillwayCore
import Testing

@Suite struct ReactionServiceTests {
    private func keyed(
        _ service: ReactionService, _ reaction: Reaction, key: String, fingerprint: UInt64 = 1
    ) async throws -> VoteReceipt {
        try await service.vote(
            Vote(targetID: "t", targetType: "video", reaction: reaction), user: "me", idempotencyKey: key,
            fingerprint: fingerprint, awaitOutcome: true)
    }

    @Test func anIdempotencyKeyAnswersAsTheFirstTimeWithTheCountsOfNow() async throws {
        try await ServiceHarness().run { service in
            try await service.like("t", "me", .dislike)
            let first = try await keyed(service, .like, key: "k")
            #expect(first.outcome?.previous == .dislike)
            #expect(!first.isRepeat)
            try await service.like("t", "you")
            let you = try await service.like("t", "me", .none)
            _ = try await service.one("t", "me", after: [you.position])
            let again = try await keyed(service, .like, key: "k")
            #expect(again.isRepeat)
            #expect(again.position == first.position)
            #expect(again.outcome?.previous == .dislike)
            #expect(again.outcome?.state == Reaction.none)
            #expect(again.outcome?.counts == Counts(likes: 1, dislikes: 0))
            await #expect(throws: ReactionsError.self) {
                _ = try await keyed(service, .like, key: "k", fingerprint: 2)
            }
        }
    }

    @Test func concurrentRequestsOfOneKeyCountOnce() async throws {
        try await ServiceHarness().run { service in
            let receipts = try await withThrowingTaskGroup(of: VoteReceipt.self) { group in
                for _ in 0..<20 { group.addTask { try await keyed(service, .like, key: "same") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(receipts.map(\.position)).count == 1)
            #expect(receipts.count { !$0.isRepeat } == 1)
            #expect(receipts.allSatisfy { $0.outcome?.previous == Reaction.none })
        }
    }

    @Test func aVoteWhoseOutcomeCanNotBeReadIsAcknowledgedWithoutIt() async throws {
        let harness = try ServiceHarness()
        let store = harness.unreadable
        try await harness.run { service in
            store.fail()
            let first = try await keyed(service, .like, key: "k")
            #expect(first.outcome == nil)
            let again = try await keyed(service, .like, key: "k")
            #expect(again.isRepeat && again.outcome == nil)
            #expect(again.position == first.position)
        }
    }

    @Test func whatTheStoreCanNotAnswerIsToBeAskedAgain() async throws {
        let harness = try ServiceHarness()
        let store = harness.unreadable
        try await harness.run { service in
            store.fail()
            let reads: [@Sendable () async throws -> Void] = [
                { _ = try await service.summary(of: ["a"], user: nil, after: []) },
                { _ = try await service.changes(of: ["a"]) },
                { _ = try await service.reactions(of: "u", reaction: .like, limit: 1, cursor: nil, after: []) },
                { _ = try await service.voters(of: "a", reaction: .like, limit: 1, cursor: nil) },
            ]
            for read in reads {
                let error = await #expect(throws: ReactionsError.self) { try await read() }
                #expect(error?.code == .unavailable && error?.retryAfterSeconds == 1)
            }
        }
    }

    @Test func aBatchIsAllOrNothing() async throws {
        try await ServiceHarness().run { service in
            let good = Vote(targetID: "a", targetType: "video", reaction: .like)
            let bad = Vote(targetID: "b", targetType: "song", reaction: .like)
            do {
                _ = try await service.vote([good, bad], user: "me", idempotencyKey: nil, fingerprint: 0)
                Issue.record("a bad vote was taken")
            } catch let error as ReactionsError {
                #expect(error.field == "votes[1].target_type")
            }
            #expect(try await service.one("a", "me").state == .none)
            let positions = try await service.vote(
                [good, Vote(targetID: "c", targetType: "comment", reaction: .dislike)], user: "me",
                idempotencyKey: nil, fingerprint: 0)
            #expect(positions.count == 2)
            let after = try await service.summary(of: ["a", "c"], user: nil, after: positions)
            #expect(after.map(\.counts) == [Counts(likes: 1), Counts(dislikes: 1)])
        }
    }

    @Test func pendingVotesAreBounded() async throws {
        var configuration = ReactionsConfiguration()
        configuration.projectionsPaused = true
        configuration.pendingVotesRecords = 10
        try await ServiceHarness(configuration).run { service in
            for number in 0..<10 { try await service.like("t\(number)", "me") }
            do {
                try await service.like("t", "me")
                Issue.record("an eleventh vote was taken")
            } catch let error as ReactionsError {
                #expect(error.code == .overloaded)
                #expect(error.retryAfterSeconds != nil)
            }
        }
    }

    /// Wherever the one stands that is not applied, and however many of its partition are.
    @Test(arguments: [0, 500, 999]) func amongManyPositionsTheOneThatIsNotAppliedIsWaitedFor(place: Int) async throws {
        var configuration = ReactionsConfiguration()
        configuration.positionWait = .milliseconds(100)
        try await ServiceHarness(configuration).run { service in
            let applied = try await service.like("t", "me").position
            var positions = Array(repeating: applied, count: 1_000)
            #expect(try await service.one("t", nil, after: positions).counts.likes == 1)
            positions[place].position.low += 1_000
            do {
                _ = try await service.one("t", nil, after: positions)
                Issue.record("an answer from before the position")
            } catch let error as ReactionsError {
                #expect(error.code == .notYetApplied)
            }
            positions[place].partition = 3
            do {
                _ = try await service.one("t", nil, after: positions)
                Issue.record("an answer about a partition that does not exist")
            } catch let error as ReactionsError {
                #expect(error.code == .invalidField)
            }
        }
    }

    @Test func aPositionThatIsNotAppliedInTimeIsRefused() async throws {
        var configuration = ReactionsConfiguration()
        configuration.projectionsPaused = true
        configuration.positionWait = .milliseconds(100)
        try await ServiceHarness(configuration).run { service in
            let receipt = try await service.like("t", "me")
            do {
                _ = try await service.one("t", nil, after: [receipt.position])
                Issue.record("an answer from before the position")
            } catch let error as ReactionsError {
                #expect(error.code == .notYetApplied)
            }
        }
    }

    @Test func streamsGiveThePresentAtOnceThenChangesThatNeverGoBack() async throws {
        try await ServiceHarness().run { service in
            try await service.like("t", "first")
            let changes = try await service.changes(of: ["t", "other"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for number in 0..<50 {
                        try await service.like("t", "u\(number)")
                        try await Task.sleep(for: .milliseconds(5))
                    }
                }
                var last: [String: (version: String, likes: Int64)] = [:]
                for try await change in changes {
                    if let before = last[change.targetID] {
                        #expect(change.version > before.version)
                        #expect(change.counts.likes >= before.likes)
                    }
                    last[change.targetID] = (change.version, change.counts.likes)
                    if change.targetID == "t", change.counts.likes == 51 { break }
                }
                #expect(last["other"]?.likes == 0)
                try await group.waitForAll()
            }
        }
    }

    /// The first vote on a target has the sequence behind the last that was applied, as of which the target was absent.
    @Test(.timeLimit(.minutes(1))) func aFirstVoteIsSeenAlsoWhereTheTargetWasLookedForJustBefore() async throws {
        try await ServiceHarness().run { service in
            // All in one partition, so that what is absent is absent as of the vote before.
            let ids = (0..<200).map { "t\($0)" }.filter { KeyPartitioner.partition(for: $0.utf8, of: 3) == 0 }
            var last = try await service.like("another", "me")
            while last.position.partition != 0 { last = try await service.like(ids[0], "me") }
            for id in ids.dropFirst() {
                _ = try await service.one(ids[0], nil, after: [last.position])
                #expect(try await service.one(id, "me") == TargetSummary(counts: Counts(), state: .none))
                let changes = try await service.changes(of: [id])
                last = try await service.like(id, "me")
                let seen = try await service.one(id, "me", after: [last.position])
                #expect(seen == TargetSummary(counts: Counts(likes: 1, dislikes: 0), state: .like))
                var versions: [String] = []
                for try await change in changes {
                    versions.append(change.version)
                    if change.counts.likes == 1 { break }
                }
                #expect(versions == versions.sorted() && Set(versions).count == versions.count)
            }
        }
    }

    /// Retention asks the groups that it knows: what was acknowledged meanwhile is kept for the projections.
    @Test(arguments: [false, true]) func aServiceThatIsToldToStopWarmsNoCacheAtItsStart(isStopping: Bool) async throws {
        let before = try ServiceHarness()
        try await before.run { service in
            let position = try await service.like("t", "me").position
            _ = try await service.one("t", nil, after: [position])
        }
        let harness = try ServiceHarness(continuing: before)
        if isStopping { harness.service.announceShutdown() }
        try await harness.service.start()
        #expect(harness.unreadable.userPages == (isStopping ? 0 : 1))
        #expect(harness.service.readiness() == (isStopping ? "draining" : nil))
    }

    @Test func pausedProjectionsHaveTheLogKeepWhatTheyNeed() async throws {
        var configuration = ReactionsConfiguration()
        configuration.projectionsPaused = true
        let harness = try ServiceHarness(configuration)
        let broker = harness.broker
        try await harness.run { service in
            try await service.like("t", "me")
            let groups = try await broker.groups()
            #expect(groups.map(\.group) == [ReactionService.group] && groups.allSatisfy(\.holdsRetention))
        }
    }

    @Test func badInputNamesTheField() async throws {
        try await ServiceHarness().run { service in
            for (target, type, field) in [
                ("", "video", "target_id"), (String(repeating: "x", count: 129), "video", "target_id"),
                ("a/b", "video", "target_id"), ("ok", "song", "target_type"),
            ] {
                do {
                    _ = try await service.vote(
                        Vote(targetID: target, targetType: type, reaction: .like), user: "me", idempotencyKey: nil,
                        fingerprint: 0, awaitOutcome: false)
                    Issue.record("\(target) was taken")
                } catch let error as ReactionsError {
                    #expect(error.code == .invalidField)
                    #expect(error.field == field)
                }
            }
        }
    }
}
