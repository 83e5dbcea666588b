import SpillwayTesting
import Testing

@testable import Reactions

@Suite struct ReactionFoldTests {
    private static let key = RowKey(target: 1, user: 1)

    private func fold(
        _ events: [(Reaction, beside: Bool, version: UInt64, sequence: UInt64)], over old: ReactionRow? = nil
    ) -> (row: ReactionRow?, delta: ReactionFold.Delta?, previous: [Reaction]) {
        var fold = ReactionFold(capacity: events.count)
        for event in events {
            fold.add(
                Self.key, reaction: event.0, type: 1, isBesideLog: event.beside, version: event.version,
                sequence: event.sequence)
        }
        var previous: [Reaction] = []
        let (changes, deltas) = fold.fold(old: [old]) { previous.append($1) }
        return (changes.first?.new ?? old, deltas[1], previous)
    }

    @Test func togglesInOneBatchAreNetted() {
        let result = fold([
            (.like, false, 1, 1), (.dislike, false, 2, 2), (.none, false, 3, 3), (.like, false, 4, 4),
        ])
        #expect(result.row?.reaction == .like)
        #expect(result.delta == ReactionFold.Delta(likes: 1, dislikes: 0, sequence: 4))
        #expect(result.previous == [.none, .like, .dislike, .none])
    }

    @Test func repeatsChangeNothing() {
        let row = ReactionRow(reaction: .like, type: 1, isBesideLog: false, version: 5, sequence: 5)
        #expect(fold([(.like, false, 6, 6)], over: row).delta == nil)
    }

    @Test func takingBackTwiceNeverGoesBelow() {
        let row = ReactionRow(reaction: .like, type: 1, isBesideLog: false, version: 5, sequence: 5)
        let result = fold([(.none, false, 6, 6), (.none, false, 7, 7)], over: row)
        #expect(result.delta == ReactionFold.Delta(likes: -1, dislikes: 0, sequence: 7))
    }

    @Test func theLogsOrderWinsOverVersions() {
        let result = fold([(.like, false, 9, 1), (.dislike, false, 3, 2)])
        #expect(result.row?.reaction == .dislike)
        #expect(result.row?.version == 9)
    }

    @Test func anOlderVoteFromBesideLoses() {
        let row = ReactionRow(reaction: .like, type: 1, isBesideLog: false, version: 5, sequence: 5)
        let result = fold([(.dislike, true, 4, 0)], over: row)
        #expect(result.row == row)
        #expect(result.delta == nil)
    }

    @Test func theSameVoteFromBesideAndFromTheLogCountsOnce() {
        let result = fold([(.like, true, 5, 0), (.like, false, 5, 8)])
        #expect(result.delta?.likes == 1)
    }

    /// A vote that came by the log and one from beside it end alike, in whatever order they arrive.
    @Test func theOutcomeDependsOnNoOrderOfArrival() {
        var random = SeededRandom(seed: 42)
        for round in 0..<5_000 {
            let logged = (0..<3).map { place in
                (
                    Reaction.allCases[Int.random(in: 0...2, using: &random)], beside: false,
                    version: UInt64(10 * place + 1), sequence: UInt64(place + 1)
                )
            }
            let beside = (
                Reaction.allCases[Int.random(in: 0...2, using: &random)], beside: true,
                version: UInt64.random(in: 0...25, using: &random) * 2, sequence: UInt64(0)
            )
            var outcomes: Set<UInt8> = []
            for place in 0...logged.count {
                var events = logged
                events.insert(beside, at: place)
                if let row = fold(events).row { outcomes.insert(row.reaction.rawValue) }
            }
            #expect(outcomes.count == 1, "round \(round): \(logged) \(beside)")
        }
    }
}
