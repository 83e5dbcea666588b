import Spillway
import SpillwayCore
import Synchronization

/// A consumer of a check, and how its run ended.
final class ConformanceConsumer: Sendable {
    let consumer: Consumer
    private let end = Mutex<Result<Void, any Error>?>(nil)

    init(_ consumer: Consumer) { self.consumer = consumer }

    var hasEnded: Bool { end.withLock { $0 != nil } }

    func run(_ group: ServiceGroup) async {
        do {
            try await group.run()
            end.withLock { $0 = .success(()) }
        } catch {
            end.withLock { $0 = .failure(error) }
        }
    }
}

extension ConsumerConformance {
    /// How a check's consumer ends.
    enum Ending {
        case gracefully
        /// Its task is cancelled: what runs is left where it is, as far as a process can do that to itself.
        case killed
    }

    /// Waits for a condition, up to the timeout.
    func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        try await BrokerConformance(timeout: timeout, makeBroker: makeBroker).eventually(what, condition)
    }

    /// Checks that a condition goes on to hold for a while.
    func steadily(_ what: String, _ condition: () async throws -> Bool) async throws {
        try await BrokerConformance(timeout: timeout, makeBroker: makeBroker).steadily(what, condition)
    }

    /// A fresh broker with a fresh topic.
    func brokerWithTopic(partitions: Int) async throws -> (any Broker, String) {
        let broker = try await makeBroker()
        let topic = BrokerConformance.freshName("topic")
        _ = try await broker.ensureTopic(topic, partitions: partitions)
        return (broker, topic)
    }

    func send(_ values: [(key: String?, value: String)], to topic: String, _ broker: any Broker) async throws {
        for item in values { _ = try await broker.send(.text(item.key, item.value), to: topic) }
    }

    /// A consumer's configuration with short times.
    func configuration(_ topic: String, group: String = "g") -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(topic: topic, group: group)
        configuration.concurrency = 4
        configuration.commitInterval = .milliseconds(5)
        configuration.revocationDrainTimeout = .seconds(5)
        configuration.shutdownDrainTimeout = .seconds(5)
        configuration.retry = RetryPolicy(backoff: Backoff(base: .milliseconds(1), maximum: .milliseconds(5)))
        return configuration
    }

    /// Runs a consumer while the body runs, and ends it.
    func withConsumer<Value: Sendable>(
        _ broker: any Broker, _ configuration: ConsumerConfiguration, _ records: HandledRecords, id: String = "c",
        failureStore: (any FailureStore)? = nil, settings: (any SettingsStore)? = nil, ending: Ending = .gracefully,
        _ body: (Consumer) async throws -> Value
    ) async throws -> Value {
        var logger = Logger(label: "conformance")
        logger.logLevel = .critical
        let member = ConformanceConsumer(
            try Consumer(
                id: id, broker: broker, configuration: configuration,
                processor: .single(ObedientHandler(records: records)), failureStore: failureStore, settings: settings,
                logger: logger))
        let group = ServiceGroup(services: [member.consumer], logger: logger)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await member.run(group) }
            do {
                let value = try await body(member.consumer)
                switch ending {
                case .gracefully: group.triggerGracefulShutdown()
                case .killed: tasks.cancelAll()
                }
                try await eventually("the consumer ends") { member.hasEnded }
                return value
            } catch {
                tasks.cancelAll()
                throw error
            }
        }
    }

    /// How many records of a topic a group has not committed.
    func uncommitted(_ broker: any Broker, _ topic: String, group: String = "g") async throws -> Int {
        let committed = try await broker.committed(group: group, topic: topic)
        let starts = try await broker.endPositions(of: topic).mapValues { _ in Position.start }
        let from = starts.merging(committed) { $1 }
        return try await broker.recordCounts(from: from, of: topic).values.reduce(0, +)
    }

    /// Waits until a group has committed everything.
    func eventuallyCommitted(_ broker: any Broker, _ topic: String, group: String = "g") async throws {
        try await eventually("everything is committed") {
            try await uncommitted(broker, topic, group: group) == 0
        }
    }

    /// Checks that each key's values were handled in the order of the sends, first handlings counting.
    func requireOrder(_ records: HandledRecords, _ sent: [(key: String?, value: String)]) throws {
        for (key, values) in records.byKey {
            var seen: Set<String> = []
            let firsts = values.filter { seen.insert($0).inserted }
            let expected = sent.filter { $0.key == key }.map(\.value).filter { seen.contains($0) }
            try requireEqual(firsts, expected, "the order of key \(key)")
        }
    }
}
