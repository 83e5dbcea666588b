import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// A projection in memory: its values and its offsets change together.
final class Projection: PartitionBatchHandler {
    struct State {
        var applied: [TopicPartition: Position] = [:]
        var values: [TopicPartition: [String]] = [:]
        var batches = 0
        var largest = 0
        var running: Set<TopicPartition> = []
        var overlaps = 0
        var openFailures = 0
        var handleFailures = 0
        var gaps = 0
    }

    let state = Mutex(State())

    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        try state.withLock { state in
            if state.openFailures > 0 {
                state.openFailures -= 1
                throw Trouble()
            }
            return state.applied.filter { partitions.contains($0.key) }
        }
    }

    func handle(_ batch: RecordBatch) async throws {
        state.withLock { if !$0.running.insert(batch.partition).inserted { $0.overlaps += 1 } }
        await Task.yield()
        try state.withLock { state in
            state.running.remove(batch.partition)
            if state.handleFailures > 0 {
                state.handleFailures -= 1
                throw Trouble()
            }
            state.batches += 1
            state.largest = max(state.largest, batch.records.count)
            let applied = state.applied[batch.partition] ?? .start
            if let first = batch.records.first?.position, first < applied { state.gaps += 1 }
            state.applied[batch.partition] = batch.records.last?.position?.successor
            state.values[batch.partition, default: []] += batch.records.map {
                String(decoding: $0.value ?? [], as: UTF8.self)
            }
        }
    }

    var total: Int { state.withLock { $0.values.values.reduce(0) { $0 + $1.count } } }
}

@Suite struct PartitionBatchConsumerTests {
    @Test func handsOverLargeBatchesInOrder() async throws {
        let broker = try await ConsumerTests.broker(partitions: 2)
        for start in stride(from: 0, to: 20_000, by: 1_000) {
            _ = try await broker.send(
                (start..<start + 1_000).map { Message(key: Array("k\($0 % 50)".utf8), value: Array("\($0)".utf8)) },
                to: "t")
        }
        let projection = Projection()
        projection.state.withLock {
            $0.openFailures = 2
            $0.handleFailures = 3
        }
        var configuration = ConsumerTests.configuration()
        configuration.maxInFlightRecords = 20_000
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .partitionBatch(projection),
            executor: BlockingExecutor(name: "projection", threads: 2))
        try await ConsumerTests.run(consumer) { try await eventually { projection.total == 20_000 } }
        let state = projection.state.withLock { $0 }
        #expect(state.overlaps == 0 && state.gaps == 0)
        #expect(state.largest <= 4_096 && state.largest >= 1_000)
        for values in state.values.values {
            let numbers = values.compactMap(Int.init)
            #expect(numbers == numbers.sorted())
        }
        #expect(try await ConsumerTests.committedAll(broker))
    }

    @Test func beginsWhereTheHandlerSays() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let receipts = try await broker.send((0..<100).map { Message(key: [1], value: Array("\($0)".utf8)) }, to: "t")
        // The group has committed more than the store has applied.
        let subscription = try await broker.subscribe(SubscriptionRequest(topic: "t", group: "g"))
        guard case .assigned(let assignments) = try await subscription.next() else { return }
        try await subscription.commit([
            Commit(
                partition: assignments[0].partition, generation: assignments[0].generation,
                next: try #require(receipts[80].position))
        ])
        await subscription.close()
        let projection = Projection()
        projection.state.withLock { $0.applied[assignments[0].partition] = receipts[30].position }
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .partitionBatch(projection))
        try await ConsumerTests.run(consumer) { try await eventually { projection.total == 70 } }
        #expect(projection.state.withLock { $0.values.values.first } == (30..<100).map { "\($0)" })
    }

    @Test func neverSkipsWhileMembersComeAndGo() async throws {
        let broker = try await ConsumerTests.broker(partitions: 4)
        let projection = Projection()
        func consumer(_ id: String) throws -> Consumer {
            try Consumer(
                id: id, broker: broker, configuration: ConsumerTests.configuration(),
                processor: .partitionBatch(projection, maxRecords: 10))
        }
        try await ConsumerTests.run(consumer("one")) {
            for round in 0..<5 {
                try await ConsumerTests.run(consumer("two")) {
                    for number in 0..<100 {
                        _ = try await broker.send(
                            Message(key: Array("k\(number)".utf8), value: Array("\(round)".utf8)), to: "t")
                    }
                    try await eventually { projection.total >= (round + 1) * 100 }
                    broker.expireMembers(ofGroup: "g", topic: "t")
                }
            }
        }
        #expect(projection.total == 500)
        #expect(projection.state.withLock { $0.gaps } == 0)
    }

    @Test func saysWhenHandlersOutlastTheDrain() async throws {
        struct Sleeper: PartitionBatchHandler {
            func handle(_ batch: RecordBatch) async throws { try await Task.sleep(for: .seconds(60)) }
        }
        let broker = try await ConsumerTests.broker(partitions: 1)
        _ = try await broker.send(Message(key: [1], value: [1]), to: "t")
        var configuration = ConsumerTests.configuration()
        configuration.shutdownDrainTimeout = .milliseconds(20)
        let registry = MetricsRegistry()
        configuration.lagInterval = .milliseconds(2)
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .partitionBatch(Sleeper()),
            metrics: registry)
        let error = await #expect(throws: (any Error).self) {
            try await ConsumerTests.run(consumer) {
                try await eventually {
                    String(decoding: registry.exposition(), as: UTF8.self)
                        .contains("spillway_consumer_in_flight_records{group=\"g\",topic=\"t\"} 1")
                }
            }
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("drain-deadline-passed"))
        #expect(try await broker.committed(group: "g", topic: "t").isEmpty)
    }
}
