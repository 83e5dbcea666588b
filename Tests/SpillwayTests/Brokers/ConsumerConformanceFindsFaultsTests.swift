import Spillway
import SpillwayTesting
import Testing

/// Checks that can't fail are worth nothing: brokers that break one promise each are found, by the check that is there for
/// it and at the step that is.
@Suite struct ConsumerConformanceFindsFaultsTests {
    typealias Expected = (check: String, says: String)

    static let expected: [BrokenBroker.Fault: [Expected]] = [
        .losesRecords: [
            ("members side by side handle everything between them", "all are handled"),
            ("each group handles everything", "each handles all"),
            ("what was sent before its sender went is handled", "all are handled"),
        ],
        .sendsTwice: [
            ("members side by side handle everything between them", "none twice"),
            ("what was sent before its sender went is handled", "the handlings"),
            ("a poison record is counted, set aside, and holds nothing up", "the attempts of the dead letters"),
        ],
        .reordersKeys: [
            ("a key's records are handled in order beside failures and moves", "the order of key"),
            ("a handler that does not return holds up its own key only", "the slow key's order"),
            ("members that leave at once lose nothing", "the order of key"),
            ("a consumer goes on when its connection breaks", "the order of key"),
            ("failures and changes of owner leak no room", "the order of key"),
            ("keys that fail for ever leave room for the others", "the order of key"),
        ],
        .mixesUpKeys: [
            ("a handler that does not return holds up its own key only", "all other keys go on"),
            ("a long retry holds up its own key only", "all others are handled by the one worker"),
            ("a record that fails comes again, and is not committed before", "the other key goes on"),
            ("keys that fail for ever leave room for the others", "all others are handled"),
        ],
        .mixesUpTopics: [("consumers of several topics keep to their own", "each handles its own")],
        .sharesGroups: [("each group handles everything", "each handles all")],
        .splitsGroups: [("members side by side handle everything between them", "each has some partitions")],
        .commitsEverything: [
            ("a commit stays below what is unfinished, over a change of owner", "what is before it is committed"),
            ("a record that fails comes again, and is not committed before", "nothing is committed"),
            ("members that are killed lose nothing", "all its workers are busy"),
            ("members that leave at once lose nothing", "the rest is handled"),
            ("a foreign hint of a commit is harmless", "the rest is handled"),
        ],
        .forgetsCommits: [
            ("shutdown drains what runs, and commits it", "the records not committed"),
            ("members that come and go while handlers run stop nothing", "everything is committed"),
            ("what comes to a group that begins at the latest record stays its own", "its place is committed"),
        ],
        .neverRepeats: [
            ("a handler is cancelled with its consumer, and its record comes again", "it comes again"),
            ("what comes again to an earlier owner is handled again", "it comes again while the first"),
            ("a long retry holds up its own key only", "it is not lost"),
            ("a commit stays below what is unfinished, over a change of owner", "it is not lost"),
            ("members that are killed lose nothing", "all its workers are busy"),
        ],
        .silentAfterMoves: [
            ("members that come and go while handlers run stop nothing", "of the round are handled"),
            ("members that leave at once lose nothing", "handled"),
        ],
        .movesAtOnce: [("what is being handled ends before its partition goes", "handl")],
        .admitsOnce: [
            ("a consumer goes on when its connection breaks", "some of the round are handled"),
            ("failures and changes of owner leak no room", "some are handled"),
            ("a pause outlives a restart and a change of owner", "it runs again"),
        ],
        .hangsOnCommit: [("shutdown drains what runs, and commits it", "the consumer ends")],
        .hangsOnClose: [("shutdown ends while the broker can't be reached", "the consumer ends")],
        .ignoresDemand: [("a blocked consumer stops fetching", "it holds no more than it may")],
        .forgetsDemand: [
            ("failures and changes of owner leak no room", "some are handled"),
            ("a blocked consumer stops fetching", "all are handled"),
        ],
        .forgetsToResume: [
            ("a pause outlives a restart and a change of owner", "all are handled"),
            ("a poison record is counted, set aside, and holds nothing up", "all others are handled"),
        ],
    ]

    @Test(arguments: BrokenBroker.Fault.allCases)
    func aBrokerThatBreaksItsPromiseIsFound(_ fault: BrokenBroker.Fault) async throws {
        // Most of a check that fails is waiting.
        try await withThrowingTaskGroup(of: (Expected, String).self) { group in
            for expected in Self.expected[fault] ?? [] {
                group.addTask {
                    let suite = ConsumerConformance(timeout: .milliseconds(1_500)) { BrokenBroker(fault) }
                    do { try await suite.run(expected.check) } catch { return (expected, "\(error)") }
                    return (expected, "nothing")
                }
            }
            for try await (expected, said) in group {
                #expect(said.contains(expected.says), "\(fault), \(expected.check)")
            }
        }
    }

    @Test func everyCheckFindsSomeFault() {
        let checks = Set(Self.expected.values.joined().map(\.check))
        #expect(checks == Set(ConsumerConformance.checkNames))
    }
}
