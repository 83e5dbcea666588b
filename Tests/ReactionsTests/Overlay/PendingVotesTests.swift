import Spillway
import SpillwayTesting
import Testing

@testable import Reactions

@Suite struct PendingVotesTests {
    private func vote(_ target: String, _ reaction: Reaction, partition: Int = 0, at sequence: UInt64) -> PendingVote {
        PendingVote(
            targetID: target, targetType: "video", reaction: reaction, version: sequence,
            position: LogPosition(partition: partition, position: Position(high: 1, low: sequence)))
    }

    private func position(_ low: UInt64) -> Position { Position(high: 1, low: low) }

    @Test func anEntryStaysUntilItsPartitionIsCleanPastIt() {
        var pending = PendingVotes(clean: [.start, .start])
        pending.add(vote("a", .like, at: 5), user: "u")
        pending.add(vote("b", .like, partition: 1, at: 6), user: "u")
        pending.advance(partition: 0, clean: position(5))
        #expect(pending.votes(of: "u")?.all.count == 2)
        pending.advance(partition: 0, clean: position(6))
        #expect(pending.votes(of: "u")?.all.map(\.targetID) == ["b"])
        pending.advance(partition: 1, clean: position(7))
        #expect(pending.votes(of: "u") == nil)
        #expect(pending.count == 0)
        #expect(pending.bytes == 0)
    }

    @Test func aVoteThatResumesLateIsNotKept() {
        var pending = PendingVotes(clean: [.start])
        pending.advance(partition: 0, clean: position(10))
        pending.add(vote("a", .like, at: 9), user: "u")
        #expect(pending.votes(of: "u") == nil)
        #expect(pending.count == 0)
    }

    @Test func theHighestPositionWins() {
        var pending = PendingVotes(clean: [.start])
        pending.add(vote("a", .dislike, at: 8), user: "u")
        pending.add(vote("a", .like, at: 7), user: "u")
        #expect(pending.votes(of: "u")?.all.map(\.reaction) == [.dislike])
        pending.advance(partition: 0, clean: position(8))
        #expect(pending.votes(of: "u")?.all.map(\.reaction) == [.dislike])
    }

    /// Two loops add in any order: what stands behind a higher position in the queue is not passed in time.
    @Test func anAppliedVoteDoesNotHideALaterOneThatIsAppliedToo() {
        var pending = PendingVotes(clean: [position(1)])
        pending.add(vote("b", .like, at: 20), user: "x")
        pending.add(vote("a", .like, at: 10), user: "u")
        pending.add(vote("c", .like, at: 30), user: "u")
        pending.advance(partition: 0, clean: position(15))
        pending.add(vote("a", .none, at: 12), user: "u")
        #expect(pending.votes(of: "u")?.all.map(\.targetID) == ["c"])
        #expect(pending.votes(of: "x")?.all.count == 1)
        pending.advance(partition: 0, clean: position(31))
        #expect(pending.count == 0 && pending.bytes == 0)
    }

    @Test(arguments: [[false, true], [true, false], [true, true, false, true]])
    func aRepeatCountsOnceAndTakesTheSendersVersion(repeats: [Bool]) {
        var pending = PendingVotes(clean: [.start])
        for (index, isRepeat) in repeats.enumerated() {
            var vote = vote("a", .like, at: 5)
            vote.version = isRepeat ? 90 + UInt64(index) : 7
            pending.add(vote, user: "u", isRepeat: isRepeat)
        }
        #expect(pending.votes(of: "u")?.all.map(\.version) == [7])
        #expect(pending.count == 1)
        // A newer vote wins over repeats of the older one, which take no room.
        pending.add(vote("a", .dislike, at: 6), user: "u")
        pending.add(vote("a", .like, at: 5), user: "u", isRepeat: true)
        #expect(pending.votes(of: "u")?.all.map(\.reaction) == [.dislike])
        #expect(pending.count == 2)
        pending.advance(partition: 0, clean: position(7))
        pending.add(vote("a", .like, at: 5), user: "u", isRepeat: true)
        #expect(pending.votes(of: "u") == nil)
        #expect(pending.count == 0 && pending.bytes == 0)
    }

    /// One user may hold all that the overlay takes, and others wait at its lock: looking at each vote would take minutes.
    @Test(.timeLimit(.minutes(1))) func aVoteCostsTheSameHoweverManyItsUserHas() {
        let votes: UInt64 = 100_000
        var pending = PendingVotes(clean: [.start])
        for number in 1...votes { pending.add(vote("target-\(number)", .like, at: number), user: "u") }
        for number in 1...votes { pending.add(vote("target-\(number)", .none, at: votes + number), user: "u") }
        #expect(pending.count == Int(2 * votes))
        #expect(pending.votes(of: "u")?.all.count == Int(votes))
        #expect(pending.votes(of: "u")?.vote(on: "target-\(votes)")?.reaction == Reaction.none)
        for clean in stride(from: 1, through: 2 * votes, by: 64) {
            pending.advance(partition: 0, clean: position(clean))
            // Some come late.
            pending.add(vote("late-\(clean)", .like, at: clean - 1), user: "u")
            let left = min(votes, 2 * votes + 1 - clean)
            guard pending.votes(of: "u")?.all.count == Int(left) else {
                Issue.record("\(pending.votes(of: "u")?.all.count ?? 0), not \(left), at \(clean)")
                return
            }
        }
        pending.advance(partition: 0, clean: position(2 * votes + 1))
        #expect(pending.votes(of: "u") == nil)
        #expect(pending.count == 0 && pending.bytes == 0)
    }

    /// The walk with many targets has users with a few and with many votes, to and fro.
    @Test(arguments: [(targets: 4, backlog: 4, steps: 20_000), (targets: 20, backlog: 300, steps: 6_000)])
    func randomWalkAgainstAPlainModel(targets: Int, backlog: Int, steps: Int) {
        var random = SeededRandom(seed: 3)
        var pending = PendingVotes(clean: [.start, .start, .start])
        var model: [(user: String, vote: PendingVote)] = []
        var clean: [UInt64] = [0, 0, 0]
        var last: [UInt64] = [0, 0, 0]
        var most = 0
        for _ in 0..<steps {
            let partition = Int.random(in: 0..<3, using: &random)
            if Int.random(in: 0..<backlog, using: &random) > 0 {
                last[partition] += 1
                let user = "u\(Int.random(in: 0..<5, using: &random))"
                let vote = vote(
                    "p\(partition)t\(Int.random(in: 0..<targets, using: &random))",
                    Reaction.allCases[Int.random(in: 0...2, using: &random)], partition: partition, at: last[partition])
                pending.add(vote, user: user)
                model.append((user, vote))
            } else {
                clean[partition] = UInt64.random(in: clean[partition]...(last[partition] + 1), using: &random)
                pending.advance(partition: partition, clean: position(clean[partition]))
                model.removeAll {
                    $0.vote.position.partition == partition && $0.vote.position.position.low < clean[partition]
                }
            }
            #expect(pending.count == model.count)
            var wanted: [String: [String: PendingVote]] = [:]
            for (user, vote) in model { wanted[user, default: [:]][vote.targetID] = vote }
            for user in (0..<5).map({ "u\($0)" }) {
                let found = pending.votes(of: user)
                most = max(most, found?.all.count ?? 0)
                let isSame = wanted[user, default: [:]].allSatisfy { target, vote in
                    let pending = found?.vote(on: target)
                    return pending?.position == vote.position && pending?.reaction == vote.reaction
                }
                guard isSame, found?.all.count == wanted[user]?.count else {
                    Issue.record("\(user): \(found?.all.map(\.targetID) ?? []), not \(wanted[user] ?? [:])")
                    return
                }
            }
        }
        #expect((most > UserVotes.scanLimit) == (targets > 4))
    }
}
