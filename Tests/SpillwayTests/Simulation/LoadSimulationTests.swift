import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

/// What failing and hot keys cost the others, in virtual time: the same figures on every machine.
@Suite struct LoadSimulationTests {
    typealias Plan = LoadSimulation.Plan
    typealias Traffic = LoadSimulation.Traffic

    /// Debug builds take eight times as long, and see one seed.
    static var seeds: ClosedRange<UInt64> {
        #if DEBUG
            1...1
        #else
            1...5
        #endif
    }

    /// A shared rate has nobody who grants it there.
    @Test func aConsumerOfASharedRateIsSimulatedWithoutIt() throws {
        var plan = Self.others(keys: 100, for: .seconds(1))
        plan.consumer.globalRate = GlobalRateLimit(try LocalRateSource(rate: 1_000, burst: 100))
        let report = try LoadSimulation(plan, seed: 1).run()
        #expect(report["others"].arrived > 0 && report["others"].handled == report["others"].arrived)
    }

    // MARK: A failing key

    /// One key in 1,000 always fails; at the end its partition is a hundred windows past its first record.
    @Test(arguments: [false, true])
    func aKeyThatFailsForEverCostsTheOthersNothing(comesBackOften: Bool) throws {
        var plan = Self.others(keys: 999, for: .seconds(24))
        var failing = Traffic("special", recordsPerSecond: Self.rate / 999, keys: 1, handling: Self.handling)
        failing.failing = .always
        plan.traffic.append(failing)
        plan.consumer.maxUncommittedRecords = 200
        plan.consumer.retry = RetryPolicy(maxAttempts: 3, whenExhausted: .hold)
        if comesBackOften {
            plan.consumer.retry.sideBackoff = Backoff(base: .milliseconds(100), maximum: .seconds(1))
        }
        let compared = try Self.compare("one key in 1,000 that fails for ever", plan)
        #expect(compared.median <= 1.1 && compared.worst <= 1.1)
        for report in compared.reports {
            #expect(report["special"].committedBeyond >= 100 * plan.consumer.maxUncommittedRecords)
            #expect(report["special"].failures >= (comesBackOften ? 30 : 3))
            // All of it is in the side queue, and its partition was never stopped for it.
            #expect(report["special"].stored == report["special"].arrived && report["special"].arrived > 10)
            #expect(report.widestWindow < plan.consumer.maxUncommittedRecords)
            #expect(report["others"].handled == report["others"].arrived)
        }
    }

    /// The figure above is worth something only if a key that is kept in its place costs the others much.
    @Test func aKeyThatIsTriedInPlaceForEverStopsItsPartition() throws {
        var plan = Self.others(keys: 999, for: .seconds(20))
        var failing = Traffic("special", recordsPerSecond: Self.rate / 999, keys: 1, handling: Self.handling)
        failing.failing = .always
        plan.traffic.append(failing)
        plan.settling = .seconds(1)
        plan.consumer.maxUncommittedRecords = 200
        let report = try LoadSimulation(plan, seed: 1).run()
        #expect(report.widestWindow >= 200 && report.widestWindow <= 700)
        #expect(report["others"].waiting > 10_000 && report["special"].committedBeyond == 0)
    }

    // MARK: A hot key

    @Test func aHotKeyThatItsWorkerCanCarryCostsTheOthersLittle() throws {
        let plan = Self.hot(load: 0.9, HotKeyPolicy(overflow: .sideQueue))
        let compared = try Self.compare("a key with half of all records, its lane 90 % busy", plan)
        #expect(compared.median <= 1.3 && compared.worst <= 1.3)
        for report in compared.reports {
            #expect(report.heated >= 1 && report.moved == 0)
            #expect(report["special"].handled == report["special"].arrived)
        }
    }

    @Test func aHotKeyBesideASingleWorkerCostsTheOthersLittle() throws {
        let compared = try Self.compare(
            "a key with half of all records and a slower handler, one worker", Self.hotBesideOneWorker())
        #expect(compared.median <= 1.3 && compared.worst <= 1.3)
        for report in compared.reports {
            #expect(report.heated == 1 && report["special"].handled == report["special"].arrived)
        }
    }

    /// The figures of hot keys are worth something only if it costs the others more than that where none is known as hot.
    @Test func aHotKeyAmongTheOthersCostsThemMuch() throws {
        var plan = Self.hotBesideOneWorker()
        plan.consumer.hotKeys = nil
        plan.arrivals = .seconds(20)
        let compared = try Self.compare("the same, not taken apart", plan)
        #expect(compared.median > 1.5)
    }

    @Test func aHotKeyThatItsWorkerCanNotCarryGoesToTheSideQueueAndTheOthersHold() throws {
        let plan = Self.hot(load: 2, HotKeyPolicy(overflow: .sideQueue))
        let compared = try Self.compare("a key that is twice what its lane can carry, side queue", plan)
        #expect(compared.median <= 1.3 && compared.worst <= 1.3)
        for report in compared.reports {
            #expect(report.heated >= 1 && report.moved > 1_000)
            #expect(report["others"].handled == report["others"].arrived)
            // Its own worker stays busy with it all the time, and in the end nothing of it is lost.
            #expect(report["special"].busyWorkers > 0.85)
            #expect(report["special"].handled == report["special"].arrived)
            #expect(report.mostInFlight < plan.consumer.maxInFlightRecords)
        }
    }

    @Test func oneRecordInFlightIsRefusedWithAFailureStore() throws {
        var plan = Self.hot(load: 2, HotKeyPolicy())
        plan.consumer.maxInFlightRecords = 1
        let error = #expect(throws: ConsumerError.self) { try LoadSimulation(plan, seed: 1).run() }
        #expect(error?.code == .invalidConfiguration)
    }

    /// Kept in the consumer, a key that is too much stops nothing until the consumer's limit is reached, and then
    /// everything, as its policy says; what is in the consumer stays within the limit.
    @Test func aHotKeyThatIsKeptStopsIntakeOnlyAtTheLimit() throws {
        var plan = Self.hot(load: 2, HotKeyPolicy(overflow: .keep))
        plan.consumer.maxInFlightRecords = 20_000
        let compared = try Self.compare("a key that is twice what its lane can carry, kept", plan)
        #expect(compared.median <= 1.3 && compared.worst <= 1.3)
        for report in compared.reports {
            #expect(report.moved == 0 && report["special"].handled == report["special"].arrived)
            #expect(report.mostInFlight > 4_000 && report.mostInFlight < plan.consumer.maxInFlightRecords)
        }
        plan.consumer.maxInFlightRecords = 2_000
        let report = try LoadSimulation(plan, seed: 1).run()
        let held = try #require(compared.reports.first)
        #expect(report.mostInFlight <= 2_000 && report["special"].handled == report["special"].arrived)
        #expect(report["others"].latencies.percentile(0.99) > held["others"].latencies.percentile(0.99) * 10)
    }

    // MARK: The tool

    @Test func theSameSeedGivesTheSameFigures() throws {
        let plan = Self.hot(load: 2, HotKeyPolicy(overflow: .sideQueue), for: .seconds(4))
        let one = try LoadSimulation(plan, seed: 7).run()
        let two = try LoadSimulation(plan, seed: 7).run()
        let other = try LoadSimulation(plan, seed: 8).run()
        #expect(one["others"].latencies.sorted == two["others"].latencies.sorted)
        #expect(one["special"].latencies.sorted == two["special"].latencies.sorted && one.moved == two.moved)
        #expect(one["others"].latencies.sorted != other["others"].latencies.sorted)
    }

    @Test func latencyIsWhatTheTheoryOfQueuesSays() throws {
        // One worker, Poisson arrivals, exponential times, 70 % busy: the mean is the handling's over 0.3 (M/M/1).
        var plan = Plan(
            [Traffic("others", recordsPerSecond: 140, keys: 100_000, handling: Self.handling)], arrivals: .seconds(400))
        plan.consumer.concurrency = 1
        let latencies = try LoadSimulation(plan, seed: 3).run()["others"].latencies.sorted
        let mean = latencies.reduce(0) { $0 + $1.inSeconds } / Double(latencies.count)
        #expect(abs(mean / (0.005 / 0.3) - 1) < 0.1)
    }

    @Test func recordsThatFailNowAndThenAreAllHandledAndOthersAreGivenUp() throws {
        var plan = Self.others(keys: 50, for: .seconds(4))
        plan.traffic[0].failing = .sometimes(0.1)
        plan.traffic[0].skew = 1
        plan.partitions = 3
        plan.consumer.retry = RetryPolicy(
            backoff: Backoff(base: .milliseconds(5)), maxAttempts: 2, whenExhausted: .giveUp,
            moveBudget: MoveBudgetPolicy(earnedBySuccess: 1))
        let report = try LoadSimulation(plan, seed: 1).run()["others"]
        #expect(report.waiting == 0 && report.stored == 0 && report.handled + report.givenUp == report.arrived)
        #expect(report.givenUp > 10 && report.failures > report.givenUp)
    }

    // MARK: -

    private static let workers = 8
    private static let handling = ServiceTime.exponential(mean: .milliseconds(5))
    private static let rate = Plan.recordsPerSecond(keeping: workers, busy: 0.7, handling: handling)

    /// Ordinary keys that keep the workers 70 % busy.
    private static func others(keys: Int, for span: Duration) -> Plan {
        var plan = Plan(
            [Traffic("others", recordsPerSecond: rate, keys: keys, handling: handling)], arrivals: span)
        plan.consumer.concurrency = workers
        return plan
    }

    /// Beside them as many records again of one key.
    ///
    /// - Parameter load: how much of the one worker's time that may be at the key it takes.
    private static func hot(load: Double, _ policy: HotKeyPolicy, for span: Duration = .seconds(10)) -> Plan {
        var plan = others(keys: 1_000, for: span)
        let most = Duration.nanoseconds(Int64(2e9 * load / rate))
        plan.traffic.append(
            Traffic("special", recordsPerSecond: rate, keys: 1, handling: .even(.zero...most)))
        plan.consumer.retry.whenExhausted = .hold
        plan.consumer.hotKeys = policy
        return plan
    }

    /// One worker, and a hot key with a handler slower than the others': before it is known as hot, both are more than that
    /// worker can do.
    private static func hotBesideOneWorker() -> Plan {
        let handling = ServiceTime.even(.milliseconds(2) ... .milliseconds(8))
        let rate = Plan.recordsPerSecond(keeping: 1, busy: 0.7, handling: handling)
        var plan = Plan(
            [Traffic("others", recordsPerSecond: rate, keys: 1_000, handling: handling)], arrivals: .seconds(120))
        plan.traffic.append(
            Traffic(
                "special", recordsPerSecond: rate, keys: 1, handling: .even(.milliseconds(4) ... .milliseconds(8))))
        plan.consumer.concurrency = 1
        plan.consumer.retry.whenExhausted = .hold
        plan.consumer.hotKeys = HotKeyPolicy(overflow: .sideQueue)
        return plan
    }

    /// The others' p99 over the same without the special key, record for record the same arrivals, for each seed.
    private static func compare(
        _ name: String, _ plan: Plan
    ) throws -> (median: Double, worst: Double, reports: [LoadSimulation.Report]) {
        var calm = plan
        calm.traffic.removeLast()
        var ratios: [Double] = []
        var reports: [LoadSimulation.Report] = []
        for seed in seeds {
            let report = try LoadSimulation(plan, seed: seed).run()
            let without = try LoadSimulation(calm, seed: seed).run()
            #expect(abs(without["others"].busyWorkers / Double(plan.consumer.concurrency) - 0.7) < 0.03)
            ratios.append(
                report["others"].latencies.percentile(0.99) / without["others"].latencies.percentile(0.99))
            reports.append(report)
        }
        ratios.sort()
        let (median, worst) = (ratios[ratios.count / 2], ratios[ratios.count - 1])
        print("figure: p99 of the others beside \(name), over it without: median \(median), worst \(worst)")
        return (median, worst, reports)
    }
}
