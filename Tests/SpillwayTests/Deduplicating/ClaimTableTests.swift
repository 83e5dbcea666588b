import SpillwayCore
import Testing

@testable import Spillway

@Suite struct ClaimTableTests {
    private func time(_ seconds: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: UInt64(seconds) * 1_000_000_000)
    }

    private func id(_ number: UInt8) -> EventID { EventID(scope: [], id: [number]) }

    @Test func whileAClaimIsBeingCompletedNobodyTakesItsID() {
        var table = ClaimTable(lease: .seconds(10))
        let claim = table.claim(id(1), now: time(0))
        check(table.held(id(1), now: time(9)) == .seconds(1) && table.held(id(1), now: time(10)) == nil)
        check(table.startCompleting(claim) && !table.startCompleting(claim))
        // Else the next one could look for the mark before it is there.
        check(table.held(id(1), now: time(20)) == .zero)
        table.abandon(claim)
        check(!table.dropLapsed(now: time(20)) && table.count == 1)
        table.completionFailed(claim)
        check(table.held(id(1), now: time(20)) == nil && table.startCompleting(claim))
        table.completed(claim)
        check(table.count == 0 && table.bytes == 0 && !table.startCompleting(claim))
    }

    @Test func aClaimThatWasTakenOverChangesNothing() {
        var table = ClaimTable(lease: .seconds(10))
        let early = table.claim(id(1), now: time(0))
        let late = table.claim(id(1), now: time(10))
        check(late.number > early.number && table.count == 1 && table.bytes == id(1).byteCount)
        table.abandon(early)
        check(!table.startCompleting(early) && table.held(id(1), now: time(11)) == .seconds(9))
        check(table.startCompleting(late))
    }

    @Test func lapsedClaimsMakeRoomTheEarliestFirst() {
        var table = ClaimTable(lease: .seconds(10))
        let first = table.claim(id(1), now: time(0))
        let second = table.claim(id(2), now: time(1))
        _ = table.claim(id(3), now: time(5))
        table.abandon(first)
        check(!table.dropLapsed(now: time(10)) && table.dropLapsed(now: time(11)))
        check(!table.startCompleting(second) && table.hasEntry(id(3)) && !table.dropLapsed(now: time(14)))
        check(table.dropLapsed(now: time(15)) && table.count == 0 && table.bytes == 0)
        check(!table.dropLapsed(now: time(100)))
    }
}
