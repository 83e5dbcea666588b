import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct GradientLimitTests {
    private func run(_ limit: inout GradientLimit, _ time: Duration, _ count: Int, share: Double = 1) {
        for _ in 0..<count { limit.observe(time, failed: false, inUse: Int(Double(limit.limit) * share)) }
    }

    @Test func itFallsWhenHandlingGetsSlowerAndRecovers() {
        var limit = GradientLimit(AdaptiveConcurrency(minLimit: 2), most: 100)
        run(&limit, .milliseconds(10), 1_000)
        check(limit.limit == 100, "what does not queue may run at the most")
        run(&limit, .milliseconds(60), 60)
        let slow = limit.limit
        check(slow < 30, "\(slow)")
        run(&limit, .milliseconds(10), 1_000)
        check(limit.limit == 100)
    }

    @Test func failuresLowerItToTheLeast() {
        var limit = GradientLimit(AdaptiveConcurrency(minLimit: 3, initialLimit: 40), most: 50)
        for _ in 0..<10 { limit.observe(.milliseconds(1), failed: true, inUse: 1) }
        check(limit.limit < 20)
        for _ in 0..<100 { limit.observe(.milliseconds(1), failed: true, inUse: 1) }
        check(limit.limit == 3)
    }

    @Test func itDoesNotGrowWhileItIsNotInUse() {
        var limit = GradientLimit(AdaptiveConcurrency(initialLimit: 10), most: 100)
        run(&limit, .milliseconds(1), 1_000, share: 0.4)
        check(limit.limit == 10)
        run(&limit, .milliseconds(1), 1_000, share: 0.5)
        check(limit.limit > 10)
    }

    @Test func anotherUpperBoundHoldsAtOnce() {
        var limit = GradientLimit(AdaptiveConcurrency(initialLimit: 10), most: 100)
        run(&limit, .milliseconds(1), 1_000)
        limit.change(most: 7)
        check(limit.limit == 7)
        limit.change(most: 100)
        check(limit.limit == 7, "it grows from there")
        run(&limit, .milliseconds(1), 1_000)
        check(limit.limit == 100)
    }

    @Test func itNeverLeavesItsBounds() {
        for seed in UInt64(0)..<50 {
            var random = SeededRandom(seed: seed)
            let least = Int.random(in: 1...10, using: &random)
            let most = least + Int.random(in: 0...50, using: &random)
            let initial = Int.random(in: 1...80, using: &random)
            var limit = GradientLimit(AdaptiveConcurrency(minLimit: least, initialLimit: initial), most: most)
            check((least...most).contains(limit.limit))
            for _ in 0..<1_000 {
                let time = Duration.nanoseconds(
                    Int64.random(in: 0...(1 << Int.random(in: 0...40, using: &random)), using: &random))
                limit.observe(
                    time, failed: random.chance(0.1), inUse: Int.random(in: 0...(most + 1), using: &random))
                check((least...most).contains(limit.limit))
            }
        }
    }
}
