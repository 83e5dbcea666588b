import Spillway
import SpillwayCore
import Testing

@testable import SpillwayTesting

/// Checks that can't fail are worth nothing: each of these planted bugs is found, by the check that is there for it.
@Suite struct LoadSimulationFindsBugsTests {
    typealias Plan = LoadSimulation.Plan
    typealias Traffic = LoadSimulation.Traffic

    @Test func findsTwoOfAKeyAtOnce() throws {
        try expect("order: two at once", planting: .forgetsKeys, in: plan(workers: 4))
    }

    @Test func findsARecordHandledBehindALaterOneOfItsKey() throws {
        // One worker handles nothing at once: a record that failed is overtaken while it waits.
        var plan = plan(workers: 1)
        plan.traffic[0].failing = .sometimes(0.2)
        try expect("order: record", planting: .forgetsKeys, in: plan)
    }

    @Test func findsARecordHandledTwice() throws {
        try expect("repeat: record", planting: .handlesAgain, in: plan(workers: 4))
    }

    @Test func findsACommitThatPassesWhatIsUnfinished() throws {
        try expect("commit:", planting: .commitsOneTooFar, in: plan(workers: 4))
    }

    @Test func findsACommitThatPassesWhatIsInNoStore() throws {
        var plan = plan(workers: 4)
        var failing = Traffic("failing", recordsPerSecond: 10, keys: 1, handling: .constant(.milliseconds(5)))
        failing.failing = .always
        plan.traffic.append(failing)
        plan.consumer.retry = RetryPolicy(maxAttempts: 2, whenExhausted: .hold)
        try expect("commit:", planting: .storesNothing, in: plan)
    }

    @Test func findsMoreInFlightThanTheLimit() throws {
        try expect("bound:", planting: .demandsTooMuch, in: plan(workers: 4))
    }

    @Test func aLogFindsTwoOfAKeyAtOnceOnlyWhereOrderHolds() throws {
        var log = log(keys: [1, 2, 1])
        try log.begin(0, order: .key)
        try log.begin(1, order: .key)
        #expect(throws: SimulationViolation.self) { try log.begin(2, order: .key) }
        try log.begin(2, order: .none)
        log.leave(0)
        try log.begin(2, order: .key)
    }

    @Test func aLogLetsARecordWhoseOrderIsWaivedComeLate() throws {
        var log = log(keys: [1, 1])
        try log.handled(1, keepsOrder: true, at: .zero)
        try log.handled(0, keepsOrder: false, at: .zero)
        #expect(throws: SimulationViolation.self) { try log.handled(0, keepsOrder: false, at: .zero) }
    }

    @Test func aLogLetsACommitPassWhatIsStoredAndNothingElse() throws {
        var log = log(keys: [1, 2, 3, 4])
        log.delivered = 3
        try log.handled(0, keepsOrder: true, at: .zero)
        try log.handled(2, keepsOrder: true, at: .zero)
        #expect(throws: SimulationViolation.self) { try log.check(commit: LoadLog.position(2)) { _ in false } }
        try log.check(commit: LoadLog.position(3)) { $0 == 1 }
        // What was not delivered is not done, whatever the store says.
        #expect(throws: SimulationViolation.self) { try log.check(commit: LoadLog.position(4)) { _ in true } }
    }

    /// Few keys, so that many records of each wait, and a limit that is reached.
    private func plan(workers: Int) -> Plan {
        let handling = ServiceTime.even(.milliseconds(1) ... .milliseconds(9))
        let rate = Plan.recordsPerSecond(keeping: workers, busy: 1.2, handling: handling)
        var plan = Plan(
            [Traffic("others", recordsPerSecond: rate, keys: 10, handling: handling)], arrivals: .seconds(2))
        plan.consumer.concurrency = workers
        plan.consumer.maxInFlightRecords = 50
        return plan
    }

    private func log(keys: [Int]) -> LoadLog {
        var log = LoadLog(0)
        log.entries = keys.map { LoadLog.Entry(arrived: .zero, traffic: 0, key: $0, handling: .zero) }
        return log
    }

    private func expect(
        _ reason: String, planting mutation: LoadMutation, in plan: Plan,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        _ = try LoadSimulation(plan, seed: 1).run()
        let failure = #expect(throws: LoadSimulation.Failure.self, sourceLocation: sourceLocation) {
            _ = try LoadSimulation(plan, seed: 1).run(planting: mutation)
        }
        #expect(failure?.reason.hasPrefix(reason) == true, "\(failure?.reason ?? "")", sourceLocation: sourceLocation)
    }
}
