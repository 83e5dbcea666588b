import SpillwayCore
import Testing

@Suite struct TimerWheelTests {
    private func at(_ nanoseconds: UInt64) -> MonotonicInstant { MonotonicInstant(nanoseconds: nanoseconds) }

    @Test func expiresAtTheTickAndNotBefore() {
        var wheel = TimerWheel<String>(now: at(0), tick: .nanoseconds(10))
        _ = wheel.schedule("a", at: at(101))
        #expect(wheel.advance(to: at(109)).isEmpty)
        #expect(wheel.nextDeadline == at(110))
        #expect(wheel.advance(to: at(110)) == ["a"])
        #expect(wheel.isEmpty)
        #expect(wheel.nextDeadline == nil)
    }

    @Test func takesTimersOfThePast() {
        var wheel = TimerWheel<String>(now: at(1_000), tick: .nanoseconds(1))
        _ = wheel.schedule("late", at: at(3))
        #expect(wheel.nextDeadline == at(1_000))
        #expect(wheel.advance(to: at(0)) == ["late"])
        // The present has not gone back with the call: what was due then still is.
        _ = wheel.schedule("late too", at: at(999))
        #expect(wheel.advance(to: at(0)) == ["late too"])
    }

    @Test func keepsTheFarthestFuture() {
        var wheel = TimerWheel<String>(now: at(5), tick: .nanoseconds(1))
        let token = wheel.schedule("never", at: .distantFuture)
        _ = wheel.schedule("soon", at: at(6))
        #expect(wheel.advance(to: at(.max - 1)) == ["soon"])
        #expect(wheel.isScheduled(token))
        #expect(wheel.advance(to: .distantFuture) == ["never"])
    }

    @Test func cancelsOnceAndForgetsTokens() {
        var wheel = TimerWheel<Int>(now: at(0))
        let token = wheel.schedule(1, at: at(5_000_000))
        #expect(wheel.cancel(token) == 1)
        #expect(wheel.cancel(token) == nil)
        #expect(wheel.nextDeadline == nil)
        let next = wheel.schedule(2, at: at(5_000_000))
        #expect(wheel.cancel(token) == nil, "a token of a slot that is used again must not hit the new timer")
        #expect(wheel.reschedule(token, at: at(1)) == false)
        #expect(wheel.advance(to: at(10_000_000)) == [2])
        #expect(!wheel.isScheduled(next))
    }

    @Test func reschedules() {
        var wheel = TimerWheel<Int>(now: at(0), tick: .nanoseconds(1))
        let token = wheel.schedule(1, at: at(10))
        #expect(wheel.reschedule(token, at: at(5_000)) == true)
        #expect(wheel.advance(to: at(4_999)).isEmpty)
        #expect(wheel.advance(to: at(5_000)) == [1])
    }

    /// Against a plain list: each timer expires in the first advance that reaches its tick, in order, and the next
    /// deadline is never later than the first timer.
    @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
    func agreesWithAListOnARandomWalk(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let tick: UInt64 = seed % 2 == 0 ? 1 : 1_000
        var now: UInt64 = random.next() >> 8
        var wheel = TimerWheel<Int>(now: at(now), tick: .nanoseconds(Int64(tick)))
        var expected: [Int: UInt64] = [:]
        var tokens: [Int: TimerWheel<Int>.Token] = [:]
        for step in 0..<1_500 {
            switch random.next() % 8 {
            case 0..<4:
                let deadline = now &+ (random.next() >> (20 + random.next() % 44))
                expected[step] = (deadline + tick - 1) / tick
                tokens[step] = wheel.schedule(step, at: at(deadline))
            case 4:
                if let id = expected.keys.min() {
                    #expect(wheel.cancel(tokens[id]!) == id)
                    expected[id] = nil
                }
            case 5:
                if let id = expected.keys.max() {
                    let deadline = now &+ (random.next() >> (20 + random.next() % 44))
                    #expect(wheel.reschedule(tokens[id]!, at: at(deadline)) == true)
                    expected[id] = (deadline + tick - 1) / tick
                }
            default:
                if let first = expected.values.min(), let next = wheel.nextDeadline {
                    #expect(next.nanoseconds <= max(first * tick, now), "seed \(seed)")
                }
                let before = now
                now &+= random.next() >> (20 + random.next() % 44)
                let expired = wheel.advance(to: at(now))
                let due = expected.filter { $0.value <= now / tick }
                #expect(Set(expired) == Set(due.keys), "seed \(seed), step \(step)")
                // Those that were due already come first, in the order of scheduling.
                let ticks = expired.compactMap { due[$0] }.filter { $0 > before / tick }
                #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0 <= $1 }, "seed \(seed), step \(step)")
                for id in expired { expected[id] = nil }
            }
            #expect(wheel.count == expected.count)
        }
        #expect(Set(wheel.advance(to: .distantFuture)) == Set(expected.keys))
    }
}
