import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@Suite struct HandlerSimulationTests {
    // MARK: Right handlers

    @Test func anIdempotentCounterHoldsForEverySeed() throws {
        let simulation = Self.counting { .single(IdempotentCounter(store: $0)) }
        let outcomes = try (UInt64(0)..<200).map { try simulation.run(seed: $0) }
        // The world was not a friendly one.
        let (crashes, moves) = (outcomes.reduce(0) { $0 + $1.crashes }, outcomes.reduce(0) { $0 + $1.moves })
        let failures = outcomes.reduce(0) { $0 + $1.failures }
        let repeated = outcomes.reduce(0) { $0 + $1.deliveries.count { $0.deliveries > 1 } }
        print("figure: 200 seeds: \(crashes) crashes, \(moves) moves, \(failures) failures, \(repeated) repeated")
        #expect(crashes > 200 && moves > 400 && failures > 500 && repeated > 1_000)
    }

    @Test func anIdempotentBatchHoldsForEverySeed() throws {
        let simulation = Self.counting {
            .batch(IdempotentBatch(store: $0), limits: BatchLimits(maxRecords: 7, maxDelay: .milliseconds(5)))
        }
        for seed in UInt64(0)..<100 { try simulation.run(seed: seed) }
    }

    @Test func anIdempotentProjectionHoldsForEverySeed() throws {
        let simulation = Self.counting { .partitionBatch(IdempotentProjection(store: $0), maxRecords: 9) }
        for seed in UInt64(0)..<100 { try simulation.run(seed: seed) }
    }

    @Test func recordsThatAreGivenUpAreNamed() throws {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.retry.whenExhausted = .hold
        let simulation = HandlerSimulation(messages: Self.messages, consumer: configuration) { surroundings in
            surroundings.store(Tally())
        } processor: { store in
            .single(RefusesSome(inner: IdempotentCounter(store: store)))
        } check: { store, outcome in
            for delivery in outcome.deliveries {
                let isRefused = delivery.message.value?.first.map { $0.isMultiple(of: 10) } ?? false
                guard delivery.isGivenUp == isRefused else { throw Miscounted(what: "\(delivery)") }
                if !isRefused, delivery.acknowledgements == 0 { throw Miscounted(what: "\(delivery)") }
            }
            guard store.content.seen.count == 36 else { throw Miscounted(what: "\(store.content.seen.count) seen") }
        }
        for seed in UInt64(0)..<100 { try simulation.run(seed: seed) }
    }

    /// What an interceptor answers is what retry judges, and what it does not hand on is not handled.
    @Test func interceptorsWrapTheHandlingsTheFirstOneOutermost() throws {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.retry.whenExhausted = .hold
        let simulation = HandlerSimulation(messages: Self.messages, consumer: configuration) { surroundings in
            surroundings.store(Tally())
        } processor: { store in
            .single(IdempotentCounter(store: store))
        } interceptors: { _ in
            [RefusesMultiples(of: 10), RefusesMultiples(of: 5, mustNotSee: 10)]
        } check: { store, outcome in
            for delivery in outcome.deliveries {
                let isRefused = delivery.message.value?.first.map { $0.isMultiple(of: 5) } ?? false
                guard delivery.isGivenUp == isRefused else { throw Miscounted(what: "\(delivery)") }
            }
            guard store.content.seen == Set((0..<40).filter { !$0.isMultiple(of: 5) }) else {
                throw Miscounted(what: "\(store.content.seen)")
            }
        }
        for seed in UInt64(0)..<50 { try simulation.run(seed: seed) }
    }

    /// Of a partition's batches too.
    @Test func interceptorsWrapWholeBatches() throws {
        let simulation = HandlerSimulation(messages: Self.messages) { surroundings in
            (store: surroundings.store(Tally()), seen: CountsBatches())
        } processor: { outside in
            .partitionBatch(IdempotentProjection(store: outside.store), maxRecords: 9)
        } interceptors: { outside in
            [outside.seen]
        } check: { outside, _ in
            try Self.check(outside.store)
            guard outside.seen.count.withLock({ $0 }) > 0 else { throw Miscounted(what: "no batch was seen") }
        }
        for seed in UInt64(0)..<20 { try simulation.run(seed: seed) }
    }

    @Test func handlersMayWaitForTheClockOfTheSimulation() throws {
        let simulation = HandlerSimulation(messages: Self.messages) { surroundings in
            (clock: surroundings.timeSource, store: surroundings.store(Tally()))
        } processor: { outside in
            .single(Waits(clock: outside.clock, inner: IdempotentCounter(store: outside.store)))
        } check: { outside, _ in
            try Self.check(outside.store)
        }
        for seed in UInt64(0)..<50 { try simulation.run(seed: seed) }
    }

    /// A shared rate has nobody who grants it there.
    @Test func aConsumerOfASharedRateIsSimulatedWithoutIt() throws {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.globalRate = GlobalRateLimit(try LocalRateSource(rate: 1_000, burst: 100))
        let simulation = Self.counting(configuration) { .single(IdempotentCounter(store: $0)) }
        for seed in UInt64(0)..<20 { try simulation.run(seed: seed) }
    }

    // MARK: Wrong handlers

    @Test func aCounterThatCountsRepeatsIsFound() throws {
        try Self.isFound("counts repeats", Self.counting { .single(CountsRepeats(store: $0)) })
    }

    @Test func aHandlerThatAcknowledgesBeforeItWritesIsFound() throws {
        try Self.isFound("acknowledges before it writes", Self.counting { .single(WritesLater(store: $0)) })
    }

    @Test func aHandlerThatLosesItsStateInACrashIsFound() throws {
        try Self.isFound("loses its state in a crash", Self.counting { .single(KeepsTotals(store: $0)) })
    }

    @Test func aHandlerThatReadsAndWritesInTwoStepsIsFound() throws {
        try Self.isFound("reads and writes in two steps", Self.counting { .single(ReadsThenWrites(store: $0)) })
    }

    @Test func aHandlerThatSwallowsFailuresIsFound() throws {
        try Self.isFound("swallows failures", Self.counting { .single(SwallowsFailures(store: $0)) })
    }

    /// Also where the wait is shorter than the run.
    @Test(arguments: [Duration.milliseconds(1), .seconds(3_600)])
    func aHandlerThatWaitsForTheRealClockIsTold(wait: Duration) throws {
        let simulation = Self.counting { .single(Sleeps(store: $0, wait: wait)) }
        for seed in UInt64(0)..<20 {
            let failure = #expect(throws: HandlerSimulation.Failure.self) { try simulation.run(seed: seed) }
            #expect(failure?.reason.contains("waits for something that is not of the simulation") == true)
        }
    }

    @Test func theSameSeedIsTheSameRun() throws {
        let simulation = Self.counting { .single(IdempotentCounter(store: $0)) }
        for seed in UInt64(0)..<20 {
            let one = try simulation.run(seed: seed)
            let two = try simulation.run(seed: seed)
            #expect(one.steps == two.steps && one.deliveries.map(\.deliveries) == two.deliveries.map(\.deliveries))
        }
        let wrong = Self.counting { .single(CountsRepeats(store: $0)) }
        let traces = (0..<2).map { _ in (try? Self.firstFailure(wrong))?.trace ?? [] }
        #expect(traces[0] == traces[1] && traces[0].count > 10)
    }

    // MARK: -

    static let messages = (UInt8(0)..<40).map { Message(key: [$0 % 5], value: [$0]) }

    static func counting(
        _ configuration: ConsumerConfiguration = ConsumerConfiguration(topic: "t", group: "g"),
        _ processor: @escaping @Sendable (SimulatedStore<Tally>) -> Processor
    ) -> HandlerSimulation {
        HandlerSimulation(messages: messages, consumer: configuration) { surroundings in
            surroundings.store(Tally())
        } processor: { store in
            processor(store)
        } check: { store, _ in
            try check(store)
        }
    }

    private static func check(_ store: SimulatedStore<Tally>) throws {
        let counts = store.content.counts
        guard counts.values.reduce(0, +) == 40, counts.values.allSatisfy({ $0 == 8 }) else {
            throw Miscounted(what: "\(counts)")
        }
    }

    private static func firstFailure(_ simulation: HandlerSimulation) throws -> HandlerSimulation.Failure? {
        for seed in UInt64(0)..<200 {
            do { try simulation.run(seed: seed) } catch let failure as HandlerSimulation.Failure { return failure }
        }
        return nil
    }

    private static func isFound(_ name: String, _ simulation: HandlerSimulation) throws {
        let failure = try #require(try firstFailure(simulation), "200 seeds did not find it")
        print("figure: a handler that \(name) is found by seed \(failure.seed) of 0 to 199")
        #expect(failure.reason.contains("the check threw") && failure.description.contains("seed \(failure.seed)"))
        #expect(!failure.trace.isEmpty)
    }
}

struct Miscounted: Error {
    var what: String
}

struct Tally: Sendable {
    var counts: [UInt8: Int] = [:]
    var seen: Set<UInt8> = []

    mutating func countOnce(_ event: CountedEvent) {
        if seen.insert(event.id).inserted { counts[event.key, default: 0] += 1 }
    }
}

struct CountedEvent: Sendable {
    var key: UInt8
    var id: UInt8

    init(_ record: Record) { (key, id) = (record.key?.first ?? 0, record.value?.first ?? 0) }
}

private protocol CountingHandler: SingleHandler where Event == CountedEvent {}

extension CountingHandler {
    func decode(_ record: Record) throws -> CountedEvent { CountedEvent(record) }
}

private struct IdempotentCounter: CountingHandler {
    let store: SimulatedStore<Tally>

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        try await store.update { $0.countOnce(event) }
    }
}

private struct IdempotentBatch: BatchHandler {
    let store: SimulatedStore<Tally>

    func decode(_ record: Record) throws -> CountedEvent { CountedEvent(record) }

    func handle(_ items: [BatchItem<CountedEvent>], prepared: Void) async throws -> [RecordOutcome] {
        try await store.update { tally in for item in items { tally.countOnce(item.event) } }
        return items.map { _ in .done }
    }
}

private struct IdempotentProjection: PartitionBatchHandler {
    let store: SimulatedStore<Tally>

    func handle(_ batch: RecordBatch) async throws {
        try await store.update { tally in for record in batch.records { tally.countOnce(CountedEvent(record)) } }
    }
}

private struct RefusesSome: CountingHandler {
    let inner: IdempotentCounter

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        if event.id.isMultiple(of: 10) { throw HandlerError(.rejected, "not this one", isRetriable: false) }
        try await inner.handle(event, context: context)
    }
}

private struct RefusesMultiples: ConsumerInterceptor {
    let factor: UInt8
    let unseen: UInt8?

    init(of factor: UInt8, mustNotSee unseen: UInt8? = nil) {
        self.factor = factor
        self.unseen = unseen
    }

    func handle(_ records: [HandlingContext], next: HandleNext) async -> [RecordOutcome] {
        let ids = records.map { CountedEvent($0.record).id }
        if let unseen, ids.contains(where: { $0.isMultiple(of: unseen) }) {
            Issue.record("the interceptor outside has refused it")
        }
        guard ids.contains(where: { $0.isMultiple(of: factor) }) else { return await next(records) }
        return records.map { _ in .fail(HandlerError(.rejected, "not this one", isRetriable: false)) }
    }
}

private final class CountsBatches: ConsumerInterceptor {
    let count = Mutex(0)

    func handle(_ batch: RecordBatch, attempt: Int, next: HandleBatchNext) async throws {
        count.withLock { $0 += 1 }
        try await next(batch)
    }
}

private struct Waits: CountingHandler {
    let clock: any TimeSource
    let inner: IdempotentCounter

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        try await clock.sleep(for: .milliseconds(30))
        try await inner.handle(event, context: context)
    }
}

private struct CountsRepeats: CountingHandler {
    let store: SimulatedStore<Tally>

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        try await store.update { $0.counts[event.key, default: 0] += 1 }
    }
}

/// Returns at once, and writes with the next record of its process.
private final class WritesLater: CountingHandler {
    private let store: SimulatedStore<Tally>
    private let unwritten = Mutex<[CountedEvent]>([])

    init(store: SimulatedStore<Tally>) { self.store = store }

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        let events = unwritten.withLock { events in
            events.append(event)
            return events.count < 2 && event.id < 35 ? [] : events
        }
        guard !events.isEmpty else { return }
        try await store.update { tally in for event in events { tally.countOnce(event) } }
        unwritten.withLock { written in written.removeAll { one in events.contains { $0.id == one.id } } }
    }
}

/// Keeps what it has counted in its process, and writes the totals.
private final class KeepsTotals: CountingHandler {
    private let store: SimulatedStore<Tally>
    private let tally = Mutex(Tally())

    init(store: SimulatedStore<Tally>) { self.store = store }

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        let count = tally.withLock { tally in
            tally.countOnce(event)
            return tally.counts[event.key]
        }
        try await store.update { $0.counts[event.key] = count }
    }
}

private struct ReadsThenWrites: CountingHandler {
    let store: SimulatedStore<Tally>

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        var tally = try await store.update { $0 }
        tally.countOnce(event)
        let changed = tally
        try await store.update { $0 = changed }
    }
}

private struct SwallowsFailures: CountingHandler {
    let store: SimulatedStore<Tally>

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        do { try await store.update { $0.countOnce(event) } } catch { return }
    }
}

private struct Sleeps: CountingHandler {
    let store: SimulatedStore<Tally>
    let wait: Duration

    func handle(_ event: CountedEvent, context: HandlingContext) async throws {
        try await Task.sleep(for: wait)
        try await store.update { $0.countOnce(event) }
    }
}
