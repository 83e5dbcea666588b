import SpillwayCore
import Synchronization
import Testing

@testable import Reactions

@Suite struct VersionClockTests {
    @Test func growsWithinAMillisecondAndWithTime() {
        let wall = WallClock(ms: 1_000)
        let clock = VersionClock(time: wall)
        let first = clock.next()
        #expect(first == VersionClock.version(atMs: 1_000))
        #expect(clock.next() == first + 1)
        wall.set(ms: 1_001)
        #expect(clock.next() == VersionClock.version(atMs: 1_001))
    }

    @Test func countsOnWhenTheMachinesClockGoesBack() {
        let wall = WallClock(ms: 5_000)
        let clock = VersionClock(time: wall)
        let before = clock.next()
        wall.set(ms: 1_000)
        #expect(clock.next() == before + 1)
    }

    @Test func continuesAfterARestart() {
        let clock = VersionClock(time: WallClock(ms: 1_000), resumingAfter: VersionClock.version(atMs: 9_000) + 7)
        #expect(clock.next() == VersionClock.version(atMs: 9_000) + 8)
    }

    @Test func refusesWhatClaimsToBeAhead() {
        let clock = VersionClock(time: WallClock(ms: 1_000))
        #expect(!clock.observe(VersionClock.version(atMs: 1_000 + 60_001)))
        #expect(clock.next() < VersionClock.version(atMs: 2_000))
        let near = VersionClock.version(atMs: 1_000 + 60_000)
        #expect(clock.observe(near))
        #expect(clock.next() == near + 1)
    }
}

/// Real time that a test sets.
final class WallClock: TimeSource {
    private let milliseconds: Atomic<Int64>
    private let system = SystemTimeSource()

    init(ms: Int64) { milliseconds = Atomic(ms) }

    func set(ms: Int64) { milliseconds.store(ms, ordering: .relaxed) }
    func now() -> MonotonicInstant { system.now() }
    func wallMilliseconds() -> Int64 { milliseconds.load(ordering: .relaxed) }
    func sleep(until deadline: MonotonicInstant) async throws { try await system.sleep(until: deadline) }
}
