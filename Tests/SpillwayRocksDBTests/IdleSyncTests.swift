import SpillwayCore
import Testing

@testable import SpillwayRocksDB

/// When the log's writer syncs though nobody sends.
@Suite struct IdleSyncTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func itSyncsOnceBehindTheLastSend() {
        var idle = IdleSync(delay: .milliseconds(200))
        #expect(idle.deadline(at(1_000), hasUnsynced: false) == .distantFuture)
        idle.sent(at(1_000), 7)
        #expect(idle.deadline(at(1_000), hasUnsynced: false) == at(1_200))
        #expect(idle.deadline(at(1_100), hasUnsynced: false) == at(1_200))
        idle.synced(7)
        #expect(idle.deadline(at(1_200), hasUnsynced: false) == .distantFuture)
    }

    @Test func whatOthersWroteIsSyncedADelayAfterItWasNoticed() {
        var idle = IdleSync(delay: .milliseconds(200))
        #expect(idle.deadline(at(1_000), hasUnsynced: true) == at(1_200))
        #expect(idle.deadline(at(1_150), hasUnsynced: true) == at(1_200))
        // Somebody else has synced it.
        #expect(idle.deadline(at(1_160), hasUnsynced: false) == .distantFuture)
        #expect(idle.deadline(at(5_000), hasUnsynced: true) == at(5_200))
    }

    @Test func withoutRoomForAWitnessItTriesAgainADelayLater() {
        var idle = IdleSync(delay: .milliseconds(200))
        idle.sent(at(1_000), 7)
        idle.postpone(at(1_210))
        #expect(idle.deadline(at(1_211), hasUnsynced: false) == at(1_410))
        idle.postpone(at(1_410))
        #expect(idle.deadline(at(1_411), hasUnsynced: false) == at(1_610))
        idle.synced(7)
        #expect(idle.deadline(at(1_611), hasUnsynced: false) == .distantFuture)
    }
}
