import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// Handlers that keep their own positions beside what they write: each record takes effect once, with no memory of which
/// ones were seen.
@Suite struct OwnPositionsSimulationTests {
    // MARK: Right handlers

    @Test func aProjectionWithItsOwnPositionsCountsEachRecordOnce() throws {
        let simulation = Self.counting { .partitionBatch(CountsOnce(store: $0), maxRecords: 9) }
        let outcomes = try (UInt64(0)..<200).map { try simulation.run(seed: $0) }
        let crashes = outcomes.reduce(0) { $0 + $1.crashes }
        let repeated = outcomes.reduce(0) { $0 + $1.deliveries.count { $0.deliveries > 1 } }
        #expect(crashes > 200 && repeated > 500)
        #expect(outcomes.allSatisfy { $0.acknowledged.count == 40 })
    }

    @Test func aHandlerOfSingleRecordsWithItsOwnPositionsCountsEachRecordOnce() throws {
        let simulation = Self.counting { .single(CountsOneByOne(store: $0)) }
        for seed in UInt64(0)..<100 { try simulation.run(seed: seed) }
    }

    @Test func aHandlerIsAskedWhenAPartitionMoves() throws {
        let asked = Mutex(0)
        let simulation = HandlerSimulation(messages: HandlerSimulationTests.messages) { surroundings in
            surroundings.store(Projected())
        } processor: { store in
            .partitionBatch(CountsOnce(store: store), maxRecords: 9)
        } check: { store, _ in
            asked.withLock { $0 += store.content.asked }
        }
        let moves = try (UInt64(0)..<50).map { try simulation.run(seed: $0).moves }.reduce(0, +)
        check(moves > 100 && asked.withLock { $0 } > moves / 2)
    }

    // MARK: Wrong handlers

    @Test func aProjectionThatDoesNotCompareIsFound() throws {
        let failure = try Self.found(Self.counting { .partitionBatch(ComparesNothing(store: $0), maxRecords: 9) })
        #expect(failure.reason.contains("the check threw"))
    }

    @Test func aProjectionThatWritesItsPositionFirstIsFound() throws {
        let failure = try Self.found(Self.counting { .partitionBatch(WritesPositionFirst(store: $0), maxRecords: 9) })
        #expect(failure.reason.contains("the check threw"))
    }

    @Test func aProjectionThatWritesItsPositionAfterwardsIsFound() throws {
        let failure = try Self.found(Self.counting { .partitionBatch(WritesPositionLast(store: $0), maxRecords: 9) })
        #expect(failure.reason.contains("the check threw"))
    }

    @Test func aHandlerThatBeginsBehindWhatItWasGivenIsFound() throws {
        let failure = try Self.found(Self.counting { .partitionBatch(BeginsTooFar(store: $0), maxRecords: 9) })
        #expect(failure.reason.hasPrefix("position: a handler begins partition"))
    }

    // MARK: -

    private static func counting(
        _ processor: @escaping @Sendable (SimulatedStore<Projected>) -> Processor
    ) -> HandlerSimulation {
        var consumer = ConsumerConfiguration(topic: "t", group: "g")
        consumer.order = .partition
        return HandlerSimulation(messages: HandlerSimulationTests.messages, consumer: consumer) { surroundings in
            surroundings.store(Projected())
        } processor: { store in
            processor(store)
        } check: { store, _ in
            let counts = store.content.counts
            guard counts.count == 5, counts.values.allSatisfy({ $0 == 8 }) else { throw Miscounted(what: "\(counts)") }
        }
    }

    private static func found(_ simulation: HandlerSimulation) throws -> HandlerSimulation.Failure {
        var found: HandlerSimulation.Failure?
        for seed in UInt64(0)..<200 where found == nil {
            do { try simulation.run(seed: seed) } catch let failure as HandlerSimulation.Failure { found = failure }
        }
        return try #require(found, "200 seeds did not find it")
    }
}

/// Counts by key, and up to where each partition is counted; no more.
private struct Projected: Sendable {
    var counts: [UInt8: Int] = [:]
    var applied: [TopicPartition: Position] = [:]
    var asked = 0

    /// Counts what is not counted yet, and moves on.
    mutating func apply(_ records: [Record], of partition: TopicPartition) {
        for record in records {
            guard let position = record.position, position >= applied[partition] ?? .start else { continue }
            count(record)
            applied[partition] = position.successor
        }
    }

    mutating func count(_ record: Record) { counts[CountedEvent(record).key, default: 0] += 1 }

    mutating func move(behind batch: RecordBatch) {
        guard let last = batch.records.last?.position else { return }
        applied[batch.partition] = max(last.successor, applied[batch.partition] ?? .start)
    }
}

extension SimulatedStore<Projected> {
    fileprivate func positions(of partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        try await update { projected in
            projected.asked += 1
            return projected.applied.filter { partitions.contains($0.key) }
        }
    }
}

private protocol OwnsPositions: PartitionBatchHandler {
    var store: SimulatedStore<Projected> { get }
}

extension OwnsPositions {
    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        try await store.positions(of: partitions)
    }
}

private struct CountsOnce: OwnsPositions {
    let store: SimulatedStore<Projected>

    func handle(_ batch: RecordBatch) async throws {
        try await store.update { $0.apply(batch.records, of: batch.partition) }
    }
}

private struct CountsOneByOne: SingleHandler, PositionOwner {
    let store: SimulatedStore<Projected>

    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        try await store.positions(of: partitions)
    }

    func decode(_ record: Record) throws {}

    func handle(_ event: Void, context: HandlingContext) async throws {
        try await store.update { $0.apply([context.record], of: context.partition) }
    }
}

/// Trusts that a batch begins where it was told to.
private struct ComparesNothing: OwnsPositions {
    let store: SimulatedStore<Projected>

    func handle(_ batch: RecordBatch) async throws {
        try await store.update { projected in
            for record in batch.records { projected.count(record) }
            projected.move(behind: batch)
        }
    }
}

private struct WritesPositionFirst: OwnsPositions {
    let store: SimulatedStore<Projected>

    func handle(_ batch: RecordBatch) async throws {
        let new = try await store.update { projected in
            let from = projected.applied[batch.partition] ?? .start
            projected.move(behind: batch)
            return batch.records.filter { $0.position.map { $0 >= from } ?? false }
        }
        try await store.update { projected in for record in new { projected.count(record) } }
    }
}

private struct WritesPositionLast: OwnsPositions {
    let store: SimulatedStore<Projected>

    func handle(_ batch: RecordBatch) async throws {
        try await store.update { projected in
            let from = projected.applied[batch.partition] ?? .start
            for record in batch.records where record.position.map({ $0 >= from }) ?? false { projected.count(record) }
        }
        try await store.update { $0.move(behind: batch) }
    }
}

/// Takes what is asked for as handled.
private struct BeginsTooFar: PartitionBatchHandler {
    let store: SimulatedStore<Projected>

    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        let applied = try await store.update { $0.applied }
        return applied.filter { partitions.contains($0.key) }.mapValues { Position(high: $0.high, low: $0.low + 4) }
    }

    func handle(_ batch: RecordBatch) async throws {
        try await store.update { $0.apply(batch.records, of: batch.partition) }
    }
}
