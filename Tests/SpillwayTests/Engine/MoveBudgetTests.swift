import SpillwayCore
import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct MoveBudgetTests {
    private func time(_ seconds: UInt64) -> MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }

    private func spendAll(_ budget: inout MoveBudget, now: MonotonicInstant) -> Int {
        var spent = 0
        while budget.spend(now: now) { spent += 1 }
        return spent
    }

    @Test func whenEverythingFailsOnlyTheCapacityMoves() {
        var budget = MoveBudget(MoveBudgetPolicy(capacity: 7))
        check(spendAll(&budget, now: time(1)) == 7)
        check(spendAll(&budget, now: time(10_000)) == 0, "time alone earns nothing")
    }

    @Test func successesEarnUpToTheCapacity() {
        var budget = MoveBudget(MoveBudgetPolicy(capacity: 5, earnedBySuccess: 0.25))
        _ = spendAll(&budget, now: time(1))
        budget.earn(successes: 3)
        check(spendAll(&budget, now: time(1)) == 0)
        budget.earn(successes: 1)
        check(spendAll(&budget, now: time(1)) == 1)
        budget.earn(successes: 1_000_000)
        check(spendAll(&budget, now: time(1)) == 5)
    }

    @Test func timeEarnsIfThePolicySaysSo() {
        var budget = MoveBudget(MoveBudgetPolicy(capacity: 4, earnedBySuccess: 0, earnedByMinute: 2))
        check(spendAll(&budget, now: time(100)) == 4)
        check(spendAll(&budget, now: time(129)) == 0)
        check(spendAll(&budget, now: time(130)) == 1)
        check(spendAll(&budget, now: time(10_000)) == 4)
    }

    @Test func aNewPolicyHoldsFromThenOn() {
        var budget = MoveBudget(MoveBudgetPolicy(capacity: 100))
        budget.change(MoveBudgetPolicy(capacity: 3, earnedBySuccess: 1))
        check(spendAll(&budget, now: time(1)) == 3)
        budget.earn(successes: 2)
        budget.change(MoveBudgetPolicy(capacity: 10, earnedBySuccess: 1))
        check(spendAll(&budget, now: time(1)) == 2, "what was earned stays, no more")
        budget.earn(successes: 10)
        check(spendAll(&budget, now: time(1)) == 10)
    }

    @Test func movesNeverPassWhatWasEarned() {
        for seed in UInt64(0)..<50 {
            var random = SeededRandom(seed: seed)
            let policy = MoveBudgetPolicy(capacity: 10, earnedBySuccess: Double.random(in: 0...1, using: &random))
            var budget = MoveBudget(policy)
            var successes = 0
            var moves = 0
            for _ in 0..<2_000 {
                if random.chance(0.5) {
                    budget.earn(successes: 1)
                    successes += 1
                } else if budget.spend(now: time(1)) {
                    moves += 1
                }
                check(Double(moves) <= 10 + Double(successes) * policy.earnedBySuccess + 1e-6)
            }
        }
    }
}
