import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct RateGateTests {
    private func time(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func withoutLimitsEverythingGoes() {
        var gate = RateGate(RateLimits(), now: .zero)
        check(gate.isOpen && gate.allowance(1_000_000, now: .zero) == 1_000_000)
        gate.take(records: 1_000_000, bytes: .max / 2, now: .zero)
        check(gate.allowance(5, now: .zero) == 5 && gate.nextOpening(now: .zero) == nil)
    }

    @Test func itSaysWhenItOpensAgain() throws {
        var gate = RateGate(RateLimits(recordsPerSecond: 10, burstSeconds: 0.5), now: .zero)
        check(gate.allowance(100, now: .zero) == 5)
        gate.take(records: 5, bytes: 0, now: .zero)
        check(gate.allowance(100, now: time(99)) == 0)
        let opening = try unwrap(gate.nextOpening(now: time(99)))
        check(opening <= time(101) && gate.allowance(100, now: opening) == 1)
        check(gate.nextOpening(now: opening) == nil)
    }

    @Test func aRecordLargerThanTheBurstPassesAndIsPaidFor() throws {
        var gate = RateGate(RateLimits(bytesPerSecond: 100), now: .zero)
        check(gate.allowance(1, now: .zero) == 1)
        gate.take(records: 1, bytes: 1_100, now: .zero)
        check(gate.allowance(1, now: time(9_999)) == 0)
        let opening = try unwrap(gate.nextOpening(now: time(9_999)))
        check(opening <= time(10_011) && gate.allowance(1, now: opening) == 1)
    }

    @Test func whatComesBackUnhandledIsNotCharged() throws {
        var gate = RateGate(RateLimits(recordsPerSecond: 5, bytesPerSecond: 100), now: .zero)
        gate.take(records: 5, bytes: 100, now: .zero)
        check(gate.allowance(5, now: .zero) == 0)
        gate.giveBack(records: 3, bytes: 60)
        check(gate.allowance(5, now: .zero) == 3)
        gate.giveBack(records: 50, bytes: 1_000)
        check(gate.allowance(500, now: .zero) == 5, "never more than a burst")
    }

    @Test func leasedCreditsAreTakenBesideTheBucket() throws {
        var gate = RateGate(RateLimits(recordsPerSecond: 5), now: .zero)
        gate.leased = LeasedRate()
        check(gate.allowance(5, now: .zero) == 0)
        gate.want(5, now: .zero)
        check(gate.leased?.wanted(now: .zero) == 5)
        gate.leased?.granted(RateLeaseGrant(count: 3, validFor: .seconds(1), share: 3), now: .zero)
        check(gate.allowance(5, now: .zero) == 3)
        gate.take(records: 2, bytes: 0, now: .zero)
        check(gate.allowance(5, now: .zero) == 1)
        gate.take(records: 1, bytes: 0, now: .zero)
        gate.leased?.granted(RateLeaseGrant(count: 3, validFor: .seconds(1), share: 3), now: .zero)
        check(gate.allowance(5, now: .zero) == 0, "an answer that nobody asked for grants nothing")
    }

    @Test func bothLimitsHold() throws {
        var gate = RateGate(RateLimits(recordsPerSecond: 1, bytesPerSecond: 1_000), now: .zero)
        gate.take(records: 1, bytes: 2_500, now: .zero)
        check(gate.allowance(1, now: time(1_000)) == 0)
        let opening = try unwrap(gate.nextOpening(now: .zero))
        check(opening >= time(1_501) && opening <= time(1_502), "the later one says when")
    }

    /// Validation refuses such rates; what was stored before it did, or comes from a program, must not end the process.
    @Test(arguments: [1e-300, 1e-11, 0.001, 1e12, 1e19, 1e300])
    func noRateIsBeyondWhatItCanCount(_ rate: Double) throws {
        var gate = RateGate(RateLimits(recordsPerSecond: rate, bytesPerSecond: rate, burstSeconds: 3_600), now: .zero)
        check(gate.allowance(1, now: .zero) == 1)
        gate.take(records: 10_000, bytes: 10_000_000, now: .zero)
        if let opening = gate.nextOpening(now: .zero) { check(rate < 1e6 && opening > time(1_000)) }
        gate.change(RateLimits(recordsPerSecond: 5, bytesPerSecond: 5), now: time(1))
        gate.change(RateLimits(recordsPerSecond: rate, bytesPerSecond: rate), now: time(2))
        check(gate.allowance(1, now: .distantFuture) == 1 || rate < 1)
    }

    /// Whatever is asked for, no interval sees more than the rate allows, and the burst.
    @Test func noIntervalSeesMoreThanItsShare() {
        for seed in UInt64(0)..<40 {
            var random = SeededRandom(seed: seed)
            let rate = Double.random(in: 1...500, using: &random)
            let burst = Double.random(in: 0.05...3, using: &random)
            let limits = RateLimits(recordsPerSecond: rate, bytesPerSecond: rate * 50, burstSeconds: burst)
            var gate = RateGate(limits, now: .zero)
            var now = MonotonicInstant.zero
            var taken: [(at: MonotonicInstant, records: Int, bytes: Int)] = []
            var largest = 0
            for _ in 0..<300 {
                if let opening = gate.nextOpening(now: now), random.chance(0.5) {
                    now = opening
                } else {
                    now += .milliseconds(Int.random(in: 0...300, using: &random))
                }
                let count = gate.allowance(Int.random(in: 1...40, using: &random), now: now)
                guard count > 0 else { continue }
                let bytes = count * Int.random(in: 1...120, using: &random)
                gate.take(records: count, bytes: bytes, now: now)
                taken.append((now, count, bytes))
                largest = max(largest, bytes)
            }
            check(taken.count > 20, "something goes")
            for first in taken.indices {
                var records = 0
                var bytes = 0
                for last in first..<taken.count {
                    records += taken[last].records
                    bytes += taken[last].bytes
                    let seconds = Double((taken[last].at - taken[first].at).wholeNanoseconds) / 1e9
                    check(Double(records) <= rate * seconds + max(1, rate * burst) + 1e-3)
                    // Bytes are known once they have gone: one set may go beyond.
                    check(Double(bytes) <= rate * 50 * (seconds + burst) + Double(largest) + 1e-3)
                }
            }
        }
    }

    @Test func otherLimitsHoldFromThenOnAndWhatWasTakenStaysTaken() throws {
        var gate = RateGate(RateLimits(recordsPerSecond: 100), now: .zero)
        gate.take(records: 100, bytes: 0, now: .zero)
        gate.change(RateLimits(recordsPerSecond: 1_000), now: .zero)
        check(gate.allowance(5_000, now: .zero) == 0, "a change is no new burst")
        check(gate.allowance(5_000, now: time(100)) == 100)
        gate.change(RateLimits(recordsPerSecond: 10), now: time(100))
        check(gate.allowance(5_000, now: time(100)) == 10, "what was saved above the new burst is lost")
        gate.change(RateLimits(), now: time(100))
        check(gate.isOpen && gate.allowance(5_000, now: time(100)) == 5_000)
        gate.change(RateLimits(recordsPerSecond: 2, bytesPerSecond: 10), now: time(100))
        check(gate.allowance(5_000, now: time(100)) == 2)
    }
}
