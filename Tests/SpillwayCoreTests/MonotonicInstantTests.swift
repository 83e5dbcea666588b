import SpillwayCore
import Testing

@Suite struct MonotonicInstantTests {
    @Test func movesByDurations() {
        let instant = MonotonicInstant(nanoseconds: 1_000)
        #expect(instant + .nanoseconds(5) == MonotonicInstant(nanoseconds: 1_005))
        #expect(instant - .nanoseconds(5) == MonotonicInstant(nanoseconds: 995))
        #expect(instant + .nanoseconds(-1_001) == .zero)
        #expect(MonotonicInstant.distantFuture + .seconds(1) == .distantFuture)
        #expect(.zero - instant == .nanoseconds(-1_000))
        #expect(MonotonicInstant.distantFuture - .zero == .nanoseconds(Int64.max))
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).wholeNanoseconds == .min)
        #expect(Duration.milliseconds(1_500).inSeconds == 1.5)
    }

    @Test func systemTimeGoesOn() async throws {
        let time = SystemTimeSource()
        let before = time.now()
        try await time.sleep(for: .milliseconds(2))
        #expect(time.now() - before >= .milliseconds(2))
        #expect(time.wallMilliseconds() > 1_700_000_000_000)
    }
}
