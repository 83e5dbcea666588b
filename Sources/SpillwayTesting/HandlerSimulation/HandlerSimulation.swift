public import Spillway
import SpillwayCore

/// Runs your own handler under the real consumer engine in a world that a seed decides, where everything goes wrong
/// that may: processes crash wherever a handler waits, partitions move while their records are handled, records come
/// twice, answers get lost, stores fail, and processes that were thought dead go on.
///
/// Checked all the time: order per key, no two records of a key at once, no commit past a record that is not done
/// with. Afterwards everything heals, and then nothing may be lost, every record is handled or given up, and your own
/// check says whether what your handler has done is right.
///
/// ```swift
/// struct Tally: Sendable {
///     var counts: [[UInt8]: Int] = [:]
///     var seen: Set<[UInt8]> = []
/// }
///
/// struct Counter: SingleHandler {
///     let store: SimulatedStore<Tally>
///
///     func decode(_ record: Record) throws -> (key: [UInt8], id: [UInt8]) {
///         (Array(record.key ?? []), Array(record.value ?? []))
///     }
///
///     func handle(_ event: (key: [UInt8], id: [UInt8]), context: HandlingContext) async throws {
///         try await store.update { tally in
///             // Once for each event, however often it comes.
///             if tally.seen.insert(event.id).inserted { tally.counts[event.key, default: 0] += 1 }
///         }
///     }
/// }
///
/// let messages = (0..<40).map { Message(key: [$0 % 4], value: [$0]) }
/// let simulation = HandlerSimulation(messages: messages) { surroundings in
///     surroundings.store(Tally())
/// } processor: { store in
///     .single(Counter(store: store))
/// } check: { store, outcome in
///     let total = store.content.counts.values.reduce(0, +)
///     guard total == outcome.deliveries.count else { throw Miscounted(total) }
/// }
/// for seed in UInt64(0)..<200 { try simulation.run(seed: seed) }
/// ```
///
/// The handlers' tasks are run step by step, in an order that the seed decides, so a run is the same for the same seed
/// if the handlers are: they take no random numbers, and wait for nothing but what the surroundings offer, the stores
/// and the clock. One that waits for anything else (`Task.sleep`, `Task.yield`, the network, an actor with an executor
/// of its own, a record that is not handed out yet) stops the run with an error as soon as no other handler goes on or
/// waits for the surroundings; if it goes on before, it is not noticed, and the same seed may be another run. What
/// processes share is a ``SimulatedStore``, or a class with a lock: an actor might wait for a process that has died.
///
/// The consumer's order, its attempts in place and what follows them are as configured; limits, intervals, workers and
/// waits are drawn from the seed, and times are short. A rate that others share (`globalRate`) is left out. A
/// `PositionOwner` is asked where to begin, and may not begin behind a record that it was never given; whatever it
/// passes over counts as acknowledged.
public struct HandlerSimulation: Sendable {
    /// What a run needs of the user's.
    private struct Run: Sendable {
        var makeProcess: @Sendable () -> HandlerRunner.Handling
        var check: @Sendable (Outcome) throws -> Void
    }

    private let messages: [Message]
    private let consumer: ConsumerConfiguration
    private let begin: @Sendable (Surroundings) -> Run

    /// Makes a simulation.
    ///
    /// - Parameters:
    ///   - messages: what is in the topic, at least one; those of a key stand in one partition, in this order.
    ///   - consumer: the order and the retry policy count; the topic and the group are only names.
    ///   - outside: makes what lies outside of the processes, for each run anew.
    ///   - processor: makes the processor of a process, each time one begins: what is in it dies with the process.
    ///   - interceptors: makes the interceptors of a process, which wrap its handlings, the first one outermost; default
    ///     none. They die with the process too.
    ///   - check: throws if what was done is wrong; called when everything has ended.
    public init<Outside: Sendable>(
        messages: [Message], consumer: ConsumerConfiguration = ConsumerConfiguration(topic: "t", group: "g"),
        outside: @escaping @Sendable (Surroundings) -> Outside,
        processor: @escaping @Sendable (Outside) -> Processor,
        interceptors: @escaping @Sendable (Outside) -> [any ConsumerInterceptor] = { _ in [] },
        check: @escaping @Sendable (Outside, Outcome) throws -> Void
    ) {
        precondition(!messages.isEmpty, "a simulation has messages")
        self.messages = messages
        self.consumer = consumer
        begin = { surroundings in
            let outside = outside(surroundings)
            return Run(
                makeProcess: { .init(processor: processor(outside), interceptors: interceptors(outside)) },
                check: { try check(outside, $0) })
        }
    }

    /// Runs to the end.
    ///
    /// - Throws: ``Failure``; `ConsumerError` for a configuration that is not valid.
    @discardableResult
    public func run(seed: UInt64) throws -> Outcome { try run(seed: seed, planting: nil) }

    @discardableResult
    func run(seed: UInt64, planting mutation: EngineMutation?) throws -> Outcome {
        try consumer.validate()
        var random = SeededRandom(seed: seed)
        let time = ManualTimeSource(wallMilliseconds: SimulationWorld.startMs)
        let rate = [0.0, 0.02, 0.1].randomElement(using: &random) ?? 0.0
        let faults = SimulatedFaults(seed: random.next(), rate: rate)
        let run = begin(Surroundings(faults: faults, manualTime: time))
        let sample = run.makeProcess().processor
        let plan = SimulationPlan(&random, processor: sample, consumer: consumer)
        let runner = HandlerRunner(
            timeSource: time, faults: faults, order: plan.settings.order, makeProcess: run.makeProcess)
        defer { runner.finish() }
        let ledger = SimulationLedger(messages, plan, &random)
        var world = SimulationWorld(
            plan: plan, ledger: ledger, random: random, mutation: mutation, runner: runner)
        do {
            try world.run()
        } catch {
            throw Failure(seed: seed, reason: error.description, trace: world.trace.lines)
        }
        let outcome = outcome(of: world)
        do {
            try run.check(outcome)
        } catch {
            throw Failure(seed: seed, reason: "the check threw: \(error)", trace: world.trace.lines)
        }
        return outcome
    }

    private func outcome(of world: SimulationWorld) -> Outcome {
        var outcome = Outcome()
        for (number, partition) in world.ledger.partitions.enumerated() {
            for entry in partition.entries {
                guard let message = entry.message else { continue }
                var delivery = Delivery(
                    message: message, partition: SimulatedBroker.name(number), position: entry.position)
                delivery.deliveries = entry.deliveries
                delivery.acknowledgements = entry.effects
                delivery.isGivenUp = entry.isBuried
                outcome.deliveries.append(delivery)
            }
        }
        outcome.crashes = world.report.crashes
        outcome.moves = world.report.moves
        outcome.failures = world.report.failures
        outcome.steps = world.report.steps
        return outcome
    }
}
