import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

@Suite struct RateLimitingTests {
    private func time(_ milliseconds: UInt64) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: milliseconds * 1_000_000)
    }

    @Test func aBucketGivesItsBurstAndThenItsRate() {
        var bucket = TokenBucket(rate: 100, burst: 10, now: time(0))
        check(bucket.tryTake(10, now: time(0)) && !bucket.tryTake(1, now: time(0)))
        check(bucket.delay(until: 1, now: time(0)) == .milliseconds(10))
        check(!bucket.tryTake(1, now: time(9)) && bucket.tryTake(1, now: time(10)))
        check(bucket.delay(until: 11, now: time(10)) == nil)
        check(bucket.isFull(time(1_000)) && bucket.available(time(1_000)) == 10)
        check(bucket.reserve(30, now: time(1_000)) == .milliseconds(200))
        check(bucket.reserve(10, now: time(1_000)) == .milliseconds(300))
        // Time that goes back changes nothing.
        check(!bucket.tryTake(1, now: time(0)))
    }

    @Test func aWaitAndABurstStayWithinWhatCanBeCounted() {
        var bucket = TokenBucket(rate: 1e-300, burst: .max, now: time(0))
        check(bucket.burst == 1e15 && bucket.reserve(.max, now: time(0)) > .seconds(200 * 365 * 86_400))
        check(bucket.delay(until: 1, now: time(0)).map { time(0) + $0 > time(0) } == true)
        bucket.change(rate: 1e300, burst: .max, now: time(1))
        check(bucket.burst == 1e15 && bucket.delay(until: 1, now: time(2)) == .zero)
    }

    @Test func neverMoreThanBurstPlusRate() {
        for seed in UInt64(0)..<50 {
            var random = SeededRandom(seed: seed)
            let rate = Double.random(in: 1...1_000, using: &random)
            let burst = Int.random(in: 1...50, using: &random)
            var bucket = TokenBucket(rate: rate, burst: burst, now: time(0))
            var now: UInt64 = 0
            var taken = 0
            for _ in 0..<2_000 {
                now += UInt64.random(in: 0...5, using: &random)
                let count = Int.random(in: 1...5, using: &random)
                if bucket.tryTake(count, now: time(now)) { taken += count }
                check(Double(taken) <= Double(burst) + rate * Double(now) / 1_000 + 1e-6)
            }
            check(Double(taken) >= min(rate * Double(now) / 1_000 * 0.5, Double(2_000)) || burst < 5)
        }
    }

    @Test func acquireWaitsInOrderAndGivesBackWhenCancelled() async throws {
        let clock = ManualTimeSource()
        let limiter = LocalRateLimiter(rate: 10, burst: 1, timeSource: clock)
        try await limiter.acquire(1)
        let waiting = Task { try await limiter.acquire(5) }
        try await eventually { clock.sleeperCount == 1 }
        check(!limiter.tryAcquire(1))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        clock.advance(by: .milliseconds(100))
        check(limiter.tryAcquire(1))
        let second = Task { try await limiter.acquire(2) }
        try await eventually { clock.sleeperCount == 1 }
        clock.advance(by: .milliseconds(200))
        try await second.value
    }

    @Test func keysHaveBucketsOfTheirOwnInBoundedMemory() {
        let clock = ManualTimeSource()
        let limiter = KeyedRateLimiter<Int>(rate: 1, burst: 2, maxKeys: 100, timeSource: clock)
        check(limiter.tryAcquire(1) && limiter.tryAcquire(1) && !limiter.tryAcquire(1) && limiter.tryAcquire(2))
        check(limiter.limit(1) == .seconds(1))
        check(limiter.limit(1, count: 100) == .seconds(2))
        clock.advance(by: .seconds(10))
        // Whoever is limited stays so while full buckets make room.
        check(limiter.tryAcquire(1, count: 2))
        for key in 1_000..<1_090 { check(limiter.tryAcquire(key)) }
        clock.advance(by: .milliseconds(1_000))
        check(limiter.tryAcquire(1) && !limiter.tryAcquire(1))
        for key in 2_000..<2_080 { check(limiter.tryAcquire(key)) }
        check(!limiter.tryAcquire(1))
        check(limiter.keyCount == 100)
        for key in 0..<100_000 { _ = limiter.tryAcquire(key) }
        check(limiter.keyCount == 100)
    }
}

@Suite struct RetryPolicyTests {
    @Test func theBoundDoublesUpToItsMaximum() {
        let backoff = Backoff(base: .milliseconds(10), maximum: .milliseconds(55))
        check((1...5).map { backoff.bound(afterAttempts: $0) } == [10, 20, 40, 55, 55].map { .milliseconds($0) })
        check(backoff.bound(afterAttempts: .max) == .milliseconds(55))
    }

    @Test func jitterIsFull() {
        let backoff = Backoff(base: .milliseconds(100), maximum: .seconds(1))
        var random = SeededRandom(seed: 1)
        let delays = (0..<2_000).map { _ in backoff.delay(afterAttempts: 2, using: &random).inSeconds }
        check(delays.allSatisfy { $0 >= 0 && $0 <= 0.2 })
        check((delays.min() ?? 1) < 0.005 && (delays.max() ?? 0) > 0.195)
        check(abs(delays.reduce(0, +) / 2_000 - 0.1) < 0.01)
    }
}
