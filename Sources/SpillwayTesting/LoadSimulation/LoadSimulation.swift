import Spillway

/// Runs a consumer under a load in virtual time, and says how long records took: what some keys cost the others when they
/// fail or are hot, what a limit or a policy does before it is used.
///
/// It is the engine that a `Consumer` runs, with a broker, workers and a failure store of which only the times are
/// simulated; nothing waits for the real clock, so an hour takes seconds, and the same seed gives the same figures on
/// every machine. Open loop: records arrive whether or not those before have ended, so a queue shows as latency.
///
/// ```swift
/// let handling = ServiceTime.exponential(mean: .milliseconds(5))
/// let rate = LoadSimulation.Plan.recordsPerSecond(keeping: 16, busy: 0.7, handling: handling)
/// let orders = LoadSimulation.Traffic("orders", recordsPerSecond: rate, keys: 1_000, handling: handling)
/// var broken = LoadSimulation.Traffic("broken", recordsPerSecond: 2, keys: 1, handling: handling)
/// broken.failing = .always
/// let plan = LoadSimulation.Plan([orders, broken], arrivals: .seconds(60))
/// let report = try LoadSimulation(plan, seed: 1).run()
/// print(report["orders"].latencies.percentile(0.99), report["broken"].stored)
/// ```
///
/// Checked all the time: order per key, no two records of a key at once, no commit past a record that is neither ended
/// nor in the side queue, the limit on what is in flight.
public struct LoadSimulation: Sendable {
    /// A guarantee that did not hold, and the seed that shows it.
    public struct Failure: Error, CustomStringConvertible {
        /// The seed.
        public let seed: UInt64
        /// What went wrong.
        public let reason: String
        /// The seed and what went wrong.
        public var description: String { "seed \(seed): \(reason)" }
    }

    let plan: Plan
    let seed: UInt64

    /// Makes a simulation.
    public init(_ plan: Plan, seed: UInt64) {
        precondition(!plan.traffic.isEmpty && plan.arrivals > .zero, "a load has traffic, for some time")
        precondition(
            plan.traffic.allSatisfy { $0.recordsPerSecond > 0 && $0.keys >= 1 },
            "traffic has a rate above zero and a key")
        precondition(Set(plan.traffic.map(\.name)).count == plan.traffic.count, "each traffic has a name of its own")
        precondition(plan.partitions >= 1, "a topic has at least one partition")
        self.plan = plan
        self.seed = seed
    }

    /// Runs until everything has ended that does not fail for ever, or the plan's time is over.
    ///
    /// - Throws: ``Failure``; what `ConsumerConfiguration.validate()` throws, and the same error for a
    ///   `maxInFlightRecords` below 2 with a failure store.
    public func run() throws -> Report { try run(planting: nil) }

    func run(planting mutation: LoadMutation?) throws -> Report {
        try plan.consumer.validate(movesRecords: plan.hasFailureStore)
        var world = LoadWorld(plan, seed: seed, mutation: mutation)
        do {
            try world.run()
        } catch {
            throw Failure(seed: seed, reason: error.description)
        }
        return world.report()
    }
}
