import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

@testable import Reactions
@testable import ReactionsRocksDB

@Suite struct PreviousStateKeeperTests {
    private let time = ManualTimeSource(wallMilliseconds: 1_800_000_000_000)
    private let position = Position(high: 1, low: 1)

    private func isKept(_ temporary: TemporaryStore) throws -> Bool {
        try temporary.store.previousState(partition: 0, position: position) != nil
    }

    private func overlay() -> Overlay {
        Overlay(clean: [position.successor], limitRecords: 10, limitBytes: 1_000, time: time)
    }

    /// A service that is started anew each night.
    @Test func statesAreForgottenAlsoIfNoProcessLivesForADay() throws {
        let temporary = try TemporaryStore(partitions: 1)
        var event = ReactionEvent(targetID: "t", targetType: "video", userID: "u", reaction: .like, version: 1)
        event.keepsPrevious = true
        try temporary.apply([event], from: 1)
        for _ in 0..<3 {
            let keeper = try PreviousStateKeeper(store: temporary.store, time: time, logger: Logger(label: "test"))
            for _ in 0..<8 {
                keeper.forgetOld(overlay())
                #expect(try isKept(temporary))
                time.advance(by: .seconds(3_600))
            }
        }
        // A day later; a key of the first hour may be asked for until the next one is over.
        let keeper = try PreviousStateKeeper(store: temporary.store, time: time, logger: Logger(label: "test"))
        keeper.forgetOld(overlay())
        #expect(try isKept(temporary))
        time.advance(by: .seconds(3_600))
        keeper.forgetOld(overlay())
        #expect(try !isKept(temporary))
        #expect(try temporary.store.previousStateMarks().count == 25)
    }

    /// A machine that is off each night: its clock of running time begins anew.
    @Test func statesAreForgottenAlsoIfTheMachineNeverRunsForADay() throws {
        let temporary = try TemporaryStore(partitions: 1)
        var event = ReactionEvent(targetID: "t", targetType: "video", userID: "u", reaction: .like, version: 1)
        event.keepsPrevious = true
        try temporary.apply([event], from: 1)
        let made = PreviousStateMark(atMs: 1_800_000_000_000, positions: [position.successor])
        try temporary.store.mark(made, forgetting: [])
        let booted = ManualTimeSource(wallMilliseconds: made.atMs + 24 * 3_600_000)
        let keeper = try PreviousStateKeeper(store: temporary.store, time: booted, logger: Logger(label: "test"))
        keeper.forgetOld(overlay())
        #expect(try isKept(temporary))
        booted.advance(by: .seconds(3_600))
        keeper.forgetOld(overlay())
        #expect(try !isKept(temporary))
    }

    @Test func aClockThatWasAheadForgetsNothingEarly() throws {
        let temporary = try TemporaryStore(partitions: 1)
        var event = ReactionEvent(targetID: "t", targetType: "video", userID: "u", reaction: .like, version: 1)
        event.keepsPrevious = true
        try temporary.apply([event], from: 1)
        let later = PreviousStateMark(atMs: .max, positions: [position.successor])
        try temporary.store.mark(later, forgetting: [])
        let keeper = try PreviousStateKeeper(store: temporary.store, time: time, logger: Logger(label: "test"))
        time.advance(by: .seconds(24 * 3_600))
        keeper.forgetOld(overlay())
        #expect(try isKept(temporary))
    }
}
