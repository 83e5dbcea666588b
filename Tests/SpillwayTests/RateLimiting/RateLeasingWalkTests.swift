import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

/// Members of a shared rate in virtual time, with requests that take a while.
@Suite struct RateLeasingWalkTests {
    struct Member {
        var rate: LeasedRate
        /// Records a second that it wants, and how many wait.
        var demand: Double
        var waiting = 0.0
        var taken = 0
        /// The request on its way: when it reaches the source, when its answer is back.
        var request: (count: Int, arrives: Int, returns: Int)?
        var answer: RateLeaseGrant?
    }

    struct World {
        var source: SharedRate
        var members: [Member]
        var random: SeededRandom
        var nowMs = 0
        var latencyMs = 1...20
        var isGone = false

        init(rate: Double, burst: Int, demands: [Double], seed: UInt64) {
            source = SharedRate(
                rate: rate, burst: burst, leaseLife: .seconds(1), maxMembers: 100, now: Self.time(0))
            members = demands.map { Member(rate: LeasedRate(), demand: $0) }
            random = SeededRandom(seed: seed)
        }

        static func time(_ milliseconds: Int) -> MonotonicInstant {
            MonotonicInstant(nanoseconds: UInt64(milliseconds) * 1_000_000)
        }

        var taken: Int { members.reduce(0) { $0 + $1.taken } }

        mutating func run(milliseconds: Int, _ each: (World) -> Void = { _ in }) {
            for _ in 0..<milliseconds {
                nowMs += 1
                for index in members.indices { step(index) }
                each(self)
            }
        }

        private mutating func step(_ index: Int) {
            let now = Self.time(nowMs)
            members[index].waiting = min(1_000, members[index].waiting + members[index].demand / 1_000)
            if let request = members[index].request {
                if request.arrives == nowMs, !isGone {
                    members[index].answer = source.lease(request.count, member: "\(index)", now: now)
                }
                if request.returns <= nowMs {
                    if let answer = members[index].answer {
                        members[index].rate.granted(answer, now: now)
                    } else {
                        members[index].rate.failed(now: now, using: &random)
                    }
                    members[index].request = nil
                    members[index].answer = nil
                }
            }
            let ready = Int(members[index].waiting)
            if ready > 0 {
                let taken = members[index].rate.take(upTo: ready, now: now)
                members[index].taken += taken
                members[index].waiting -= Double(taken)
            }
            if members[index].request == nil, let count = members[index].rate.wanted(now: now) {
                let there = nowMs + Int.random(in: latencyMs, using: &random)
                members[index].request = (count, there, there + Int.random(in: latencyMs, using: &random))
            }
        }
    }

    @Test func allMembersTogetherNeverTakeMoreThanTheRateAndOneBurst() {
        for seed in UInt64(0)..<20 {
            var random = SeededRandom(seed: seed)
            let rate = Double.random(in: 5...2_000, using: &random)
            let burst = Int.random(in: 1...300, using: &random)
            let demands = (0..<6).map { _ in rate * Double.random(in: 0...0.6, using: &random) }
            var world = World(rate: rate, burst: burst, demands: demands, seed: seed)
            for _ in 0..<8 {
                let member = Int.random(in: 0..<6, using: &random)
                world.members[member].demand = random.chance(0.4) ? 0 : rate * Double.random(in: 0...2, using: &random)
                world.run(milliseconds: 1_000) { world in
                    check(Double(world.taken) <= Double(burst) + rate * Double(world.nowMs) / 1_000 + 1e-6)
                }
            }
        }
    }

    @Test func greedyMembersUseUpTheRateAndGetEqualParts() {
        var world = World(rate: 500, burst: 100, demands: [1_000, 1_000, 1_000], seed: 1)
        world.run(milliseconds: 2_000)
        let before = world.members.map(\.taken)
        world.run(milliseconds: 10_000)
        let taken = zip(world.members.map(\.taken), before).map { $0 - $1 }
        check(taken.reduce(0, +) >= 4_700, "\(taken)")
        check(taken.allSatisfy { (1_450...1_850).contains($0) }, "\(taken)")
    }

    @Test func demandsBelowTheRateAreMetWhileAGreedyOneTakesTheRest() {
        var world = World(rate: 500, burst: 100, demands: [50, 100, 5_000], seed: 2)
        world.run(milliseconds: 2_000)
        let before = world.members.map(\.taken)
        world.run(milliseconds: 10_000)
        let taken = zip(world.members.map(\.taken), before).map { $0 - $1 }
        check(taken[0] >= 480 && taken[1] >= 960, "\(taken)")
        check(taken[2] >= 3_000, "\(taken)")
        check(taken.reduce(0, +) >= 4_600, "\(taken)")
    }

    @Test func aMemberWhoseDemandEndsLeavesTheRateToTheOthersAfterALease() {
        var world = World(rate: 500, burst: 100, demands: [5_000, 5_000], seed: 3)
        world.run(milliseconds: 5_000)
        world.members[0].demand = 0
        world.members[0].waiting = 0
        // What it leased last is void, and what was kept for it is back, a lease's life after its last request, which
        // comes a quarter of one after its last use, and is on its way for a while.
        world.run(milliseconds: 1_300)
        let before = world.members[1].taken
        world.run(milliseconds: 5_000)
        check(world.members[1].taken - before >= 2_400, "\(world.members[1].taken - before)")
        check(world.members[0].request == nil && world.members[0].rate.available(now: World.time(world.nowMs)) == 0)
    }

    @Test func withoutTheSourceTheSharesTogetherStayAtTheRate() {
        var world = World(rate: 500, burst: 100, demands: [200, 2_000, 2_000], seed: 4)
        world.run(milliseconds: 5_000)
        world.isGone = true
        // Until the leases are over.
        world.run(milliseconds: 1_100)
        let before = world.taken
        world.run(milliseconds: 10_000)
        check((4_300...5_300).contains(world.taken - before), "\(world.taken - before)")
        world.isGone = false
        // The longest wait between two requests.
        world.run(milliseconds: 6_000)
        check(world.members.allSatisfy { !$0.rate.isOnItsOwn })
        let after = world.taken
        world.run(milliseconds: 5_000)
        check((2_300...2_700).contains(world.taken - after), "\(world.taken - after)")
    }
}
