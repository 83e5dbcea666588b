import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct SharedRateTests {
    private func time(_ milliseconds: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: UInt64(milliseconds) * 1_000_000)
    }

    private func shared(_ rate: Double = 100, burst: Int = 100, maxMembers: Int = 100) -> SharedRate {
        SharedRate(rate: rate, burst: burst, leaseLife: .seconds(1), maxMembers: maxMembers, now: time(0))
    }

    @Test func sharesAreMaxMinFairAndAddUpToTheRate() {
        func shares(_ demands: Double...) -> [Double] { maxMinShares(of: 12, demands: demands) }
        check(shares() == [])
        check(shares(0) == [12] && shares(5) == [12] && shares(100) == [12])
        check(shares(100, 100, 100) == [4, 4, 4])
        check(shares(100, 2, 100) == [5, 2, 5])
        check(shares(1, 2, 3) == [3, 4, 5])
        check(shares(0, 0) == [6, 6])
        var random = SeededRandom(seed: 7)
        for _ in 0..<1_000 {
            let demands = (0..<Int.random(in: 1...9, using: &random)).map { _ in
                Double.random(in: 0...10, using: &random)
            }
            let shares = maxMinShares(of: 12, demands: demands)
            check(abs(shares.reduce(0, +) - 12) < 1e-9)
            // Nobody who is held back gets less than somebody else.
            let most = shares.max() ?? 0
            for (share, demand) in zip(shares, demands) {
                check(share >= demand - 1e-9 || share >= most - 1e-9 || demands.reduce(0, +) <= 12)
            }
        }
    }

    @Test func aMemberMayWantAllThatCanBeCounted() {
        var shared = SharedRate(rate: 0.001, burst: 5, leaseLife: .seconds(Int64.max), maxMembers: 2, now: time(0))
        check(shared.lease(.max, member: "a", now: time(0))?.count == 5)
        let second = shared.lease(.max, member: "a", now: time(1))
        check(second?.count == 0 && second?.retryAfter != nil)
    }

    @Test func aLoneMemberGetsTheBurstAndThenTheRate() throws {
        var shared = shared()
        let first = try unwrap(shared.lease(150, member: "a", now: time(0)))
        check(first.count == 100 && first.share == 100 && first.validFor == .seconds(1))
        check(first.retryAfter == .milliseconds(100))
        check(shared.lease(50, member: "a", now: time(100))?.count == 10)
        check(shared.lease(5, member: "a", now: time(200))?.count == 5)
        // What it no longer wants is there for it and others later.
        check(shared.lease(5, member: "a", now: time(200))?.count == 5)
        check(shared.lease(1, member: "a", now: time(200))?.count == 0)
        check(shared.lease(1_000, member: "a", now: time(900_000))?.count == 100)
    }

    @Test func whoAsksOftenGetsNoMoreThanWhoAsksSeldom() {
        var shared = shared()
        var granted = ["often": 0, "seldom": 0]
        _ = shared.lease(100, member: "often", now: time(0))
        for milliseconds in 1...10_000 {
            granted["often"]! += shared.lease(1_000, member: "often", now: time(milliseconds))?.count ?? 0
            if milliseconds.isMultiple(of: 400) {
                granted["seldom"]! += shared.lease(1_000, member: "seldom", now: time(milliseconds))?.count ?? 0
            }
        }
        check(granted["often"]! + granted["seldom"]! >= 980)
        check((440...520).contains(granted["seldom"]!), "\(granted)")
    }

    @Test func whoWantsLittleGetsItAndTheRestGoesToTheOthers() {
        var shared = shared()
        var granted = ["little": 0, "much": 0]
        _ = shared.lease(100, member: "much", now: time(0))
        for milliseconds in stride(from: 20, through: 10_000, by: 20) {
            granted["much"]! += shared.lease(500, member: "much", now: time(milliseconds))?.count ?? 0
            // Ten a second.
            let missing = milliseconds / 100 - granted["little"]!
            if missing > 0 {
                granted["little"]! += shared.lease(missing, member: "little", now: time(milliseconds))?.count ?? 0
            }
        }
        check(granted["little"]! >= 95 && granted["much"]! >= 880, "\(granted)")
    }

    @Test func aMemberThatStopsAskingHoldsNothingBackForLongerThanALease() {
        var shared = shared()
        _ = shared.lease(10_000, member: "gone", now: time(0))
        var granted = 0
        for milliseconds in stride(from: 10, through: 3_000, by: 10) {
            granted += shared.lease(1_000, member: "here", now: time(milliseconds))?.count ?? 0
            if milliseconds == 900 { check(granted <= 50) }
            // What was kept for the other is back.
            if milliseconds == 1_010 { check(granted >= 100) }
        }
        check(granted >= 299 && shared.memberCount == 1)
    }

    @Test func moreMembersThanTheBurstHasCreditsTakeTurns() {
        var shared = shared(100, burst: 3)
        var granted = [Int](repeating: 0, count: 10)
        for milliseconds in 1...10_000 {
            for member in 0..<10 {
                granted[member] += shared.lease(5, member: "\(member)", now: time(milliseconds))?.count ?? 0
            }
        }
        check(granted.allSatisfy { (90...110).contains($0) }, "\(granted)")
    }

    @Test func theNumberOfMembersIsBounded() {
        var shared = shared(maxMembers: 2)
        check(shared.lease(1, member: "a", now: time(0)) != nil && shared.lease(1, member: "b", now: time(0)) != nil)
        check(shared.lease(1, member: "c", now: time(500)) == nil)
        check(shared.lease(1, member: "a", now: time(500)) != nil)
        check(shared.lease(1, member: "c", now: time(1_000)) != nil)
    }

    @Test func neverMoreThanTheRateAndABurstInAnySpan() {
        for seed in UInt64(0)..<100 {
            var random = SeededRandom(seed: seed)
            let rate = Double.random(in: 1...5_000, using: &random)
            let burst = Int.random(in: 1...500, using: &random)
            var shared = shared(rate, burst: burst)
            // A bucket that must never run dry: so every span is checked.
            var level = Double(burst)
            var now = 0
            var demand = (0..<5).map { _ in Int.random(in: 1...1_000, using: &random) }
            for _ in 0..<2_000 {
                let step = random.chance(0.01) ? 1_500 : Int.random(in: 0...20, using: &random)
                now += step
                level = min(Double(burst), level + rate * Double(step) / 1_000)
                let member = Int.random(in: 0..<5, using: &random)
                if random.chance(0.02) { demand[member] = Int.random(in: 1...1_000, using: &random) }
                let grant = shared.lease(demand[member], member: "\(member)", now: time(now))
                level -= Double(grant?.count ?? 0)
                check(level >= -1e-6, "seed \(seed)")
                check(grant.map { $0.count <= demand[member] && $0.share <= rate * 1.000_001 } ?? false)
            }
        }
    }

    @Test func theLocalSourceRefusesWhatCanNotBe() async throws {
        let clock = ManualTimeSource()
        let source = try LocalRateSource(rate: 10, burst: 5, maxMembers: 1, timeSource: clock)
        check(try await source.lease(9, member: "a").count == 5)
        func code(_ body: () async throws -> Void) async -> RateSourceError.Code? {
            do { try await body() } catch { return (error as? RateSourceError)?.code }
            return nil
        }
        check(await code { _ = try await source.lease(0, member: "a") } == .invalidRequest)
        check(await code { _ = try await source.lease(1, member: "") } == .invalidRequest)
        check(await code { _ = try await source.lease(1, member: "b") } == .tooManyMembers)
        check(await code { _ = try LocalRateSource(rate: 0, burst: 1) } == .invalidConfiguration)
        check(await code { try source.change(rate: 1, burst: 0) } == .invalidConfiguration)
        try source.change(rate: 1_000, burst: 50)
        clock.advance(by: .seconds(1))
        check(try await source.lease(100, member: "a").count == 50)
        try source.change(rate: 1_000, burst: 5)
        clock.advance(by: .seconds(1))
        check(try await source.lease(100, member: "b").count == 5)
    }
}
