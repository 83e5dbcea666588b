import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// Waits for a condition that a thousandth of the time would be enough for.
///
/// - Parameter looks: how often it is looked at, 1 ms apart: a machine that is busy has longer. Default two seconds.
func soon(
    _ what: Comment, looks: Int = 2_000, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    for _ in 0..<looks {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(1))
    }
    try #require(Bool(false), "did not happen: \(what)", sourceLocation: sourceLocation)
}

/// Waits for a condition, up to a minute: the machine may be busy.
func eventually(_ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, "did not happen within a minute")
        try await Task.sleep(for: .milliseconds(1))
    }
}

var quietLogger: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
}

/// Notes what was handled, and fails as it is told to.
final class Notebook: Sendable {
    struct State {
        var values: [String] = []
        var byKey: [String: [String]] = [:]
        var running = 0
        var mostRunning = 0
        var batchSizes: [Int] = []
        var failuresLeft: [String: Int] = [:]
    }

    let state = Mutex(State())
    var values: [String] { state.withLock { $0.values } }

    func enter() {
        state.withLock {
            $0.running += 1
            $0.mostRunning = max($0.mostRunning, $0.running)
        }
    }

    func note(_ record: Record) {
        let key = String(decoding: record.key ?? [], as: UTF8.self)
        let value = String(decoding: record.value ?? [], as: UTF8.self)
        state.withLock {
            $0.values.append(value)
            $0.byKey[key, default: []].append(value)
        }
    }

    func leave() { state.withLock { $0.running -= 1 } }

    /// True if a failure was asked for this value and one is left.
    func fails(_ value: String) -> Bool {
        state.withLock {
            guard let left = $0.failuresLeft[value], left > 0 else { return false }
            $0.failuresLeft[value] = left - 1
            return true
        }
    }
}

struct Trouble: Error {}

struct NotingHandler: SingleHandler {
    let notebook: Notebook
    var permanent: Set<String> = []

    func decode(_ record: Record) throws -> String {
        let value = String(decoding: record.value ?? [], as: UTF8.self)
        if value == "undecodable" { throw Trouble() }
        return value
    }

    func handle(_ event: String, context: HandlingContext) async throws {
        notebook.enter()
        defer { notebook.leave() }
        await Task.yield()
        if permanent.contains(event) { throw HandlerError(.rejected, "no", isRetriable: false) }
        if notebook.fails(event) { throw Trouble() }
        notebook.note(context.record)
    }
}

@Suite struct ConsumerTests {
    static func broker(_ topic: String = "t", partitions: Int = 2) async throws -> InMemoryBroker {
        let broker = InMemoryBroker()
        _ = try await broker.ensureTopic(topic, partitions: partitions)
        return broker
    }

    static func configuration() -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.concurrency = 4
        configuration.commitInterval = .milliseconds(5)
        configuration.retry = RetryPolicy(backoff: Backoff(base: .milliseconds(1), maximum: .milliseconds(5)))
        return configuration
    }

    /// Runs a consumer while the body runs, then shuts it down gracefully through a service group.
    static func run(_ consumer: Consumer, _ body: () async throws -> Void) async throws {
        let group = ServiceGroup(services: [consumer], logger: quietLogger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body()
            } catch {
                tasks.cancelAll()
                throw error
            }
            group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    static func committedAll(_ broker: InMemoryBroker) async throws -> Bool {
        let counts = try await broker.recordCounts(from: broker.committed(group: "g", topic: "t"), of: "t")
        let ends = try await broker.endPositions(of: "t")
        let committed = try await broker.committed(group: "g", topic: "t")
        return counts.values.allSatisfy { $0 == 0 } && ends.allSatisfy { $0.value.low == 1 || committed[$0.key] != nil }
    }

    @Test func handlesEverythingInOrderPerKey() async throws {
        let broker = try await Self.broker()
        let notebook = Notebook()
        for number in 0..<40 where number % 7 == 0 { notebook.state.withLock { $0.failuresLeft["\(number)"] = 3 } }
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: Self.configuration(),
            processor: .single(NotingHandler(notebook: notebook)))
        try await Self.run(consumer) {
            let producer = try Producer(broker: broker, topic: "t")
            for number in 0..<400 { try await producer.send(key: "key\(number % 9)", string: "\(number)") }
            try await eventually { notebook.values.count == 400 }
        }
        for (key, values) in notebook.state.withLock({ $0.byKey }) {
            #expect(values == (0..<400).filter { "key\($0 % 9)" == key }.map { "\($0)" })
        }
        #expect(try await Self.committedAll(broker))
    }

    @Test func givesUpPermanentAndExhaustedRecords() async throws {
        let broker = try await Self.broker()
        let notebook = Notebook()
        notebook.state.withLock { $0.failuresLeft = ["doomed": 1_000] }
        let givenUp = Mutex<[String]>([])
        var configuration = Self.configuration()
        configuration.retry.maxAttempts = 3
        configuration.retry.whenExhausted = .giveUp
        let registry = MetricsRegistry()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration,
            processor: .single(NotingHandler(notebook: notebook, permanent: ["bad"])),
            onGivenUp: { given in
                givenUp.withLock {
                    $0.append(
                        "\(String(decoding: given.context.record.value ?? [], as: UTF8.self)) \(given.context.attempt)")
                }
            }, metrics: registry)
        try await Self.run(consumer) {
            for value in ["a", "bad", "doomed", "undecodable", "b"] {
                _ = try await broker.send(Message(key: [1], value: Array(value.utf8)), to: "t")
            }
            try await eventually { notebook.values.count == 2 }
        }
        #expect(givenUp.withLock { $0 } == ["bad 1", "doomed 3", "undecodable 1"])
        #expect(try await Self.committedAll(broker))
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        #expect(text.contains("spillway_consumer_given_up_total{group=\"g\",topic=\"t\"} 3"))
        #expect(text.contains("spillway_consumer_retries_total{group=\"g\",topic=\"t\"} 2"))
        #expect(text.contains("spillway_consumer_records_total{group=\"g\",topic=\"t\"} 5"))
    }

    @Test func aFailingKeyDelaysOnlyItself() async throws {
        let broker = try await Self.broker(partitions: 1)
        let notebook = Notebook()
        notebook.state.withLock { $0.failuresLeft = ["stuck": .max] }
        var configuration = Self.configuration()
        configuration.concurrency = 1
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(NotingHandler(notebook: notebook))
        )
        try await Self.run(consumer) {
            _ = try await broker.send(Message(key: [0], value: Array("stuck".utf8)), to: "t")
            for number in 0..<50 {
                _ = try await broker.send(Message(key: [1], value: Array("\(number)".utf8)), to: "t")
            }
            try await eventually { notebook.values.count == 50 }
        }
        // The stuck record holds the commit.
        let committed = try await broker.committed(group: "g", topic: "t")
        #expect(committed.values.allSatisfy { $0 == Position(high: 1, low: 1) })
        // What is finished above it is not handled again.
        notebook.state.withLock { $0.failuresLeft = [:] }
        let again = try Consumer(
            id: "c", broker: broker, configuration: configuration, processor: .single(NotingHandler(notebook: notebook))
        )
        try await Self.run(again) { try await eventually { notebook.values.contains("stuck") } }
        #expect(notebook.values.count == 51)
        #expect(try await Self.committedAll(broker))
    }

    @Test func twoMembersShareAndHandOver() async throws {
        let broker = try await Self.broker(partitions: 4)
        let notebook = Notebook()
        func consumer(_ id: String) throws -> Consumer {
            try Consumer(
                id: id, broker: broker, configuration: Self.configuration(),
                processor: .single(NotingHandler(notebook: notebook)))
        }
        try await Self.run(consumer("one")) {
            for round in 0..<5 {
                try await Self.run(consumer("two")) {
                    for number in 0..<50 {
                        _ = try await broker.send(
                            Message(key: Array("k\(number % 10)".utf8), value: Array("\(round * 50 + number)".utf8)),
                            to: "t")
                    }
                    try await eventually { Set(notebook.values).count == (round + 1) * 50 }
                }
            }
        }
        // Cooperative hand-over commits first: nothing is handled twice.
        #expect(notebook.values.count == 250)
        #expect(try await Self.committedAll(broker))
    }

    @Test func isCancelledWithoutWaiting() async throws {
        let broker = try await Self.broker()
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: Self.configuration(),
            processor: .single(NotingHandler(notebook: Notebook())))
        let task = Task { try await consumer.run() }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        await #expect(throws: Never.self) {
            try await Self.run(consumer) {}
        }
    }

    @Test func refusesBadConfiguration() async throws {
        let broker = try await Self.broker()
        var configuration = Self.configuration()
        configuration.maxInFlightRecords = 0
        let processor = Processor.single(NotingHandler(notebook: Notebook()))
        let error = #expect(throws: ConsumerError.self) {
            try Consumer(id: "c", broker: broker, configuration: configuration, processor: processor)
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("maxInFlightRecords") == true)
        #expect(throws: ConsumerError.self) {
            try Consumer(
                id: "c", broker: broker, configuration: Self.configuration(), processors: [processor, processor])
        }
    }
}
