import Reactions
import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

/// G6: the caller sees its own acknowledged votes, and a count that includes each exactly once.
@Suite struct OwnRowTests {
    @Test func aVoteIsVisibleToItsUserBeforeAnyProjection() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        try await ServiceHarness(paused).run { service in
            try await service.like("video", "me")
            try await service.like("video", "me", .dislike)
            let mine = try await service.one("video", "me")
            #expect(mine == TargetSummary(counts: Counts(likes: 0, dislikes: 1), state: .dislike))
            let others = try await service.one("video", "you")
            #expect(others == TargetSummary(counts: Counts(), state: .none))
            let list = try await service.reactions(of: "me", reaction: .dislike, limit: 10, cursor: nil, after: [])
            #expect(list.entries.map(\.id) == ["video"])
            let likes = try await service.reactions(of: "me", reaction: .like, limit: 10, cursor: nil, after: [])
            #expect(likes.entries.isEmpty)
        }
    }

    @Test func aUserOfManyPendingVotesSeesEachOfThem() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        try await ServiceHarness(paused).run { service in
            for number in 0..<60 { try await service.like("t\(number)", "me") }
            for number in 30..<60 { try await service.like("t\(number)", "me", .dislike) }
            let targets = ["strange"] + (20..<40).map { "t\($0)" } + ["t20"]
            let mine = try await service.summary(of: targets, user: "me", after: [])
            let like = TargetSummary(counts: Counts(likes: 1), state: .like)
            let dislike = TargetSummary(counts: Counts(likes: 0, dislikes: 1), state: .dislike)
            #expect(mine[0] == TargetSummary(counts: Counts(), state: .none))
            #expect(mine[1..<11].allSatisfy { $0 == like })
            #expect(mine[11..<21].allSatisfy { $0 == dislike })
            #expect(mine[21] == like)
            let others = try await service.summary(of: targets, user: "you", after: [])
            #expect(others.allSatisfy { $0.state == .none })
        }
    }

    /// The log has the first request's votes, which that request has not heard of yet: only the repeat can show them.
    @Test func aRepeatReadsItsOwnWritesBeforeTheFirstRequestIsBack() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        let harness = try ServiceHarness(paused)
        let broker = harness.broker
        try await harness.run { service in
            let votes = ["a", "b", "c"].map { Vote(targetID: $0, targetType: "video", reaction: .like) }
            for (key, votes) in [("one", [votes[0]]), ("batch", Array(votes[1...]))] {
                var messages = votes.enumerated().map { index, vote in
                    let event = ReactionEvent(
                        targetID: vote.targetID, targetType: vote.targetType, userID: "me", reaction: .like,
                        version: UInt64(index + 1))
                    return Message(key: Array(vote.targetID.utf8), value: event.encoded())
                }
                messages[0].deduplication = Deduplication(
                    scope: Array("me".utf8), token: Array(key.utf8), fingerprint: 1, quota: 100)
                _ = try await broker.send(messages, to: ReactionsConfiguration().topic)
            }
            #expect(try await service.one("a", "me").state == .none)
            let one = try await service.vote(
                votes[0], user: "me", idempotencyKey: "one", fingerprint: 1, awaitOutcome: false)
            #expect(one.isRepeat)
            #expect(try await service.one("a", "me") == TargetSummary(counts: Counts(likes: 1), state: .like))
            _ = try await service.vote(Array(votes[1...]), user: "me", idempotencyKey: "batch", fingerprint: 1)
            for target in ["b", "c"] {
                #expect(try await service.one(target, "me") == TargetSummary(counts: Counts(likes: 1), state: .like))
            }
            #expect(service.pendingVotes == 3)
            let list = try await service.reactions(of: "me", reaction: .like, limit: 10, cursor: nil, after: [])
            #expect(Set(list.entries.map(\.id)) == ["a", "b", "c"])
        }
    }

    @Test func theOverlayIsRebuiltAfterARestart() async throws {
        var paused = ReactionsConfiguration()
        paused.projectionsPaused = true
        let first = try ServiceHarness(paused)
        try await first.run { service in
            for number in 0..<50 { try await service.like("video-\(number)", "me") }
        }
        let second = try ServiceHarness(paused, continuing: first)
        try await second.run { service in
            for number in 0..<50 {
                let seen = try await service.one("video-\(number)", "me")
                #expect(seen.state == .like)
            }
        }
        try await ServiceHarness(continuing: second).run { service in
            let last = try await service.like("video-0", "you")
            let seen = try await service.one("video-0", nil, after: [last.position])
            #expect(seen.counts.likes == 2)
        }
    }

    /// Each target has one voter, so its count must equal the voter's state at every moment, however the projection
    /// races the votes and reads.
    @Test(arguments: 1...4) func theCountIncludesTheOwnVoteExactlyOnce(seed: UInt64) async throws {
        try await ServiceHarness().run { service in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for user in 0..<8 {
                    group.addTask {
                        var random = SeededRandom(seed: seed &* 1_000 &+ UInt64(user))
                        var model: [String: Reaction] = [:]
                        for _ in 0..<300 {
                            let target = "t\(user)-\(Int.random(in: 0..<6, using: &random))"
                            let reaction = Reaction.allCases[Int.random(in: 0...2, using: &random)]
                            try await service.like(target, "u\(user)", reaction)
                            model[target] = reaction
                            let targets = Array(model.keys)
                            let answer = try await service.summary(of: targets, user: "u\(user)", after: [])
                            for (target, summary) in zip(targets, answer) {
                                let wanted = model[target] ?? .none
                                #expect(summary.state == wanted)
                                #expect(summary.counts.likes == (wanted == .like ? 1 : 0))
                                #expect(summary.counts.dislikes == (wanted == .dislike ? 1 : 0))
                            }
                            if Int.random(in: 0..<20, using: &random) == 0 {
                                try await Task.sleep(for: .milliseconds(3))
                            }
                        }
                        let liked = try await service.reactions(
                            of: "u\(user)", reaction: .like, limit: 100, cursor: nil, after: [])
                        #expect(Set(liked.entries.map(\.id)) == Set(model.filter { $0.value == .like }.keys))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func pagesOfMyReactionsHoldPendingVotesInTheirPlace() async throws {
        try await ServiceHarness().run { service in
            var last: VoteReceipt?
            for number in 0..<30 { last = try await service.like("t\(number)", "me") }
            if let last { _ = try await service.one("t29", "me", after: [last.position]) }
            try await service.like("t3", "me", .none)
            try await service.like("new", "me")
            var seen: [String] = []
            var cursor: String?
            repeat {
                let page = try await service.reactions(
                    of: "me", reaction: .like, limit: 7, cursor: cursor, after: [])
                seen += page.entries.map(\.id)
                cursor = page.nextCursor
            } while cursor != nil
            #expect(seen == ["new"] + (0..<30).reversed().filter { $0 != 3 }.map { "t\($0)" })
        }
    }
}
