import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct LeasedRateTests {
    private func time(_ milliseconds: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: UInt64(milliseconds) * 1_000_000)
    }

    private func grant(_ count: Int, retryAfter: Int? = nil, share: Double = 50) -> RateLeaseGrant {
        RateLeaseGrant(
            count: count, validFor: .seconds(1), retryAfter: retryAfter.map { .milliseconds($0) }, share: share)
    }

    @Test func withoutDemandNothingIsAskedFor() {
        var rate = LeasedRate()
        check(rate.wanted(now: time(0)) == nil && rate.nextChange(now: time(0)) == nil)
        check(!rate.tryTake(1, now: time(1)))
        check(rate.nextChange(now: time(1)) == time(1) && rate.wanted(now: time(1)) == 1)
        rate.granted(grant(1), now: time(2))
        check(rate.tryTake(1, now: time(2)))
        // What was used is asked for a while longer, then nothing.
        check(rate.wanted(now: time(2_000)) == nil && rate.nextChange(now: time(2_000)) == nil)
        // Nor for what was wanted long ago.
        check(!rate.tryTake(1, now: time(2_000)) && rate.wanted(now: time(2_250)) == nil)
    }

    @Test func oneRequestIsUnderWayAtATime() {
        var rate = LeasedRate()
        check(!rate.tryTake(3, now: time(0)) && rate.wanted(now: time(0)) == 3)
        check(!rate.tryTake(5, now: time(1)) && rate.wanted(now: time(1)) == nil)
        check(rate.nextChange(now: time(1)) == nil)
        // An answer to no question is not believed.
        rate.granted(grant(3), now: time(2))
        rate.granted(grant(100), now: time(2))
        check(rate.available(now: time(2)) == 3)
        check(rate.wanted(now: time(2)) == 2)
    }

    @Test func aDemandThatGrowsDoublesItsLease() {
        var rate = LeasedRate(maxLease: 1_000)
        var now = 0
        var asked: [Int] = []
        for _ in 0..<14 {
            while rate.take(upTo: 1, now: time(now)) == 1 {}
            guard let count = rate.wanted(now: time(now)) else { break }
            asked.append(count)
            now += 2
            rate.granted(grant(count), now: time(now))
        }
        check(asked == [1, 2, 6, 18, 54, 162, 486, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000], "\(asked)")
    }

    @Test func itAsksBeforeItRunsDry() {
        var rate = LeasedRate()
        // Ten in each half second.
        var now = 0
        check(!rate.tryTake(1, now: time(now)))
        var misses = 0
        for step in 0..<100 {
            now += 50
            if !rate.tryTake(1, now: time(now)), step > 20 { misses += 1 }
            if let count = rate.wanted(now: time(now)) { rate.granted(grant(count), now: time(now + 10)) }
            check(rate.available(now: time(now)) <= 22)
        }
        check(misses == 0)
    }

    @Test func creditsAreVoidWhenTheirLeaseIsOver() {
        var rate = LeasedRate()
        check(!rate.tryTake(10, now: time(0)) && rate.wanted(now: time(0)) == 10)
        // They count from when they were asked for, not from when they came.
        rate.granted(grant(10), now: time(400))
        check(rate.available(now: time(999)) == 10 && rate.available(now: time(1_000)) == 0)
        check(!rate.tryTake(1, now: time(1_000)))
    }

    @Test func aSourceThatHasLessIsAskedWhenItSays() {
        var rate = LeasedRate()
        check(!rate.tryTake(10, now: time(0)) && rate.wanted(now: time(0)) == 10)
        rate.granted(grant(4, retryAfter: 60), now: time(10))
        check(!rate.tryTake(10, now: time(10)) && rate.tryTake(4, now: time(10)))
        check(!rate.tryTake(10, now: time(11)) && rate.wanted(now: time(69)) == nil)
        check(rate.nextChange(now: time(11)) == time(70) && rate.wanted(now: time(70)) == 10)
        // One that does not say when is not asked in a loop.
        rate.granted(grant(0), now: time(80))
        check(!rate.tryTake(1, now: time(80)) && rate.wanted(now: time(81)) == nil)
    }

    @Test func withoutTheSourceItGoesOnAtItsShare() throws {
        var rate = LeasedRate(backoff: Backoff(base: .milliseconds(400), maximum: .seconds(1)))
        var random = SeededRandom(seed: 1)
        check(!rate.tryTake(10, now: time(0)) && rate.wanted(now: time(0)) == 10)
        rate.granted(grant(10, share: 50), now: time(0))
        check(rate.tryTake(8, now: time(0)) && rate.wanted(now: time(0)) != nil)
        rate.failed(now: time(0), using: &random)
        check(rate.isOnItsOwn)
        // What was leased is still good, and then there is the share, from nothing.
        check(rate.tryTake(2, now: time(0)) && !rate.tryTake(1, now: time(0)))
        check(!rate.tryTake(1, now: time(19)))
        let next = try unwrap(rate.nextChange(now: time(19)))
        check(next >= time(20) && next <= time(20) + .nanoseconds(10))
        check(rate.tryTake(1, now: time(20)))
        var taken = 0
        for now in 21...10_020 {
            taken += rate.take(upTo: 100, now: time(now))
            if rate.wanted(now: time(now)) != nil { rate.failed(now: time(now), using: &random) }
        }
        check((499...500).contains(taken), "\(taken)")
        // Idle, it gathers a tenth of a second's worth.
        check(rate.available(now: time(20_000)) == 5)
        _ = rate.tryTake(6, now: time(20_000))
        check(rate.wanted(now: time(20_000)) != nil)
        rate.granted(grant(3), now: time(20_000))
        check(!rate.isOnItsOwn && rate.available(now: time(20_000)) == 3)
    }

    @Test func aSourceThatNeverAnsweredLeavesTheInitialShare() {
        var random = SeededRandom(seed: 1)
        for (share, expected) in [(0.0, 0), (20.0, 20)] {
            var rate = LeasedRate(initialShare: share)
            var taken = 0
            for now in 0...1_000 {
                taken += rate.take(upTo: 5, now: time(now))
                if rate.wanted(now: time(now)) != nil { rate.failed(now: time(now), using: &random) }
            }
            check((expected - 1...expected).contains(taken), "\(taken) at \(share)")
        }
    }

    @Test func requestsThatFailBackOff() {
        var rate = LeasedRate(backoff: Backoff(base: .milliseconds(100), maximum: .seconds(2)))
        var random = SeededRandom(seed: 3)
        var requests = 0
        for now in 0..<60_000 {
            _ = rate.tryTake(1, now: time(now))
            if rate.wanted(now: time(now)) != nil {
                requests += 1
                rate.failed(now: time(now), using: &random)
            }
        }
        check((40...120).contains(requests), "\(requests)")
    }

    @Test func nothingChangesBeforeTheNextChange() {
        for seed in UInt64(0)..<200 {
            var random = SeededRandom(seed: seed)
            var rate = LeasedRate(initialShare: random.chance(0.5) ? 40 : 0)
            var now = 0
            var isUnderWay = false
            for _ in 0..<300 {
                now += Int.random(in: 0...80, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: _ = rate.tryTake(Int.random(in: 1...4, using: &random), now: time(now))
                case 1: isUnderWay = rate.wanted(now: time(now)) != nil || isUnderWay
                case 2 where isUnderWay:
                    let count = Int.random(in: 0...5, using: &random)
                    rate.granted(
                        grant(count, retryAfter: random.chance(0.5) ? 30 : nil, share: 40), now: time(now))
                    isUnderWay = false
                case 3 where isUnderWay && random.chance(0.5):
                    rate.failed(now: time(now), using: &random)
                    isUnderWay = false
                default: break
                }
                let count = Int.random(in: 1...4, using: &random)
                guard !rate.tryTake(count, now: time(now)), rate.wanted(now: time(now)) == nil else {
                    isUnderWay = isUnderWay || rate.nextChange(now: time(now)) == nil
                    continue
                }
                // Instants are rounded up to whole nanoseconds.
                let next = rate.nextChange(now: time(now)).map { $0 - .microseconds(1) } ?? .distantFuture
                for later in [1, 7, 30, 200, 900, 2_000].map({ time(now + $0) }) where later < next {
                    var copy = rate
                    check(copy.wanted(now: later) == nil, "seed \(seed)")
                    check(!copy.tryTake(count, now: later), "seed \(seed)")
                }
            }
        }
    }
}
