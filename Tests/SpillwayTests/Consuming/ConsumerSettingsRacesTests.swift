import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@testable import Spillway

/// Lets whoever comes wait until it is opened.
private final class Gate: Sendable {
    private let state = Mutex((isReached: false, isOpen: false))

    var isReached: Bool { state.withLock { $0.isReached } }

    func open() { state.withLock { $0.isOpen = true } }

    func pass() async {
        state.withLock { $0.isReached = true }
        while !state.withLock({ $0.isOpen }) { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

/// A broker that counts partitions when somebody lets it.
private final class HesitatingBroker: Broker {
    let inner: InMemoryBroker
    let gate = Mutex<Gate?>(nil)
    var source: String { inner.source }

    init(_ inner: InMemoryBroker) { self.inner = inner }

    func partitionCount(of topic: String) async throws -> Int {
        await gate.withLock { gate in
            defer { gate = nil }
            return gate
        }?.pass()
        return try await inner.partitionCount(of: topic)
    }

    func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        try await inner.ensureTopic(topic, partitions: partitions)
    }

    func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        try await inner.send(message, to: topic)
    }

    func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        try await inner.send(messages, to: topic)
    }

    func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        try await inner.subscribe(request)
    }

    func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        try await inner.committed(group: group, topic: topic)
    }

    func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try await inner.endPositions(of: topic)
    }
}

@Suite struct ConsumerSettingsRacesTests {
    private let notebook = Notebook()

    private func consumer(
        _ broker: any Broker, store: (any SettingsStore)? = nil, failureStore: (any FailureStore)? = nil,
        timeSource: any TimeSource = SystemTimeSource(), logger: Logger = quietLogger
    ) throws -> Consumer {
        try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processors: [
                .single(NotingHandler(notebook: notebook)), .partitionBatch(ConsumerEngineTests.Projecting()),
            ], failureStore: failureStore, settings: store, timeSource: timeSource, logger: logger)
    }

    private func send(_ count: Int, to broker: InMemoryBroker) async throws {
        for number in 0..<count {
            _ = try await broker.send(Message(key: [UInt8(number)], value: Array("\(number)".utf8)), to: "t")
        }
    }

    @Test func aChangeThatComesWhileTheConsumerStartsTakesHold() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        var paused = ConsumerSettings()
        paused.isPaused = true
        let gate = Gate()
        consumer.control.withLock { $0.beforeInstalling = { await gate.pass() } }
        try await ConsumerTests.run(consumer) { [paused] in
            try await eventually { gate.isReached }
            #expect(try await consumer.change(paused, by: "ann") == 1)
            gate.open()
            try await eventually { consumer.inspect().partitions.count == 2 }
            #expect(consumer.inspect().isPaused && consumer.inspect().partitions.allSatisfy(\.isPaused))
            try await consumer.resume(by: "ann")
            try await send(5, to: broker)
            try await eventually { notebook.values.count == 5 }
        }
    }

    @Test func anotherProcessorTakesHoldWhileTheConsumerStarts() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        var other = ConsumerSettings()
        other.processor = "partition-batch"
        let gate = Gate()
        consumer.control.withLock { $0.beforeInstalling = { await gate.pass() } }
        try await ConsumerTests.run(consumer) { [other] in
            try await eventually { gate.isReached }
            try await consumer.change(other, by: "ann")
            gate.open()
            try await eventually { consumer.inspect().partitions.count == 2 }
            try await send(5, to: broker)
            try await eventually { (try? await ConsumerTests.committedAll(broker)) == true }
            #expect(notebook.values.isEmpty)
        }
    }

    @Test func ofTwoChangesTheLaterOneHoldsWhicheverIsAppliedFirst() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        let gate = Gate()
        consumer.control.withLock { $0.beforeApplying = { revision in if revision == 1 { await gate.pass() } } }
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            let pausing = Task { try await consumer.pause(by: "ann") }
            try await eventually { gate.isReached }
            try await consumer.resume(by: "bob")
            gate.open()
            try await pausing.value
            #expect(!consumer.inspect().isPaused && consumer.inspect().partitions.allSatisfy { !$0.isPaused })
            try await send(5, to: broker)
            try await soon("the records are handled") { notebook.values.count == 5 }
        }
    }

    @Test func aConsumerThatHasEndedIsNotSetBack() async throws {
        let broker = try await ConsumerTests.broker()
        let store = InMemorySettingsStore()
        let consumer = try consumer(broker, store: store)
        try await ConsumerTests.run(consumer) {
            try await send(5, to: broker)
            try await eventually { notebook.values.count == 5 }
        }
        let error = await #expect(throws: SettingsError.self) { try await consumer.seek(to: .earliest, by: "ann") }
        #expect(error?.code == .invalid)
        #expect(try await store.current("consumer/c") == nil)
    }

    @Test func aSeekThatTheEndOvertakesSaysSo() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        let gate = Gate()
        consumer.control.withLock { $0.beforeApplying = { _ in await gate.pass() } }
        let seeking = Mutex<Task<Void, any Error>?>(nil)
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            let task = Task { try await consumer.seek(to: .earliest, by: "ann") }
            seeking.withLock { $0 = task }
            try await eventually { gate.isReached }
        }
        gate.open()
        let error = await #expect(throws: SettingsError.self) { try await seeking.withLock { $0 }?.value }
        #expect(error?.code == .invalid)
    }

    @Test(arguments: [false, true])
    func aPauseDoesNotUndoAChangeThatCameMeanwhile(hasStore: Bool) async throws {
        let broker = HesitatingBroker(try await ConsumerTests.broker())
        _ = try await broker.ensureTopic("other", partitions: 1)
        let consumer = try consumer(broker, store: hasStore ? InMemorySettingsStore() : nil)
        var settings = ConsumerSettings()
        settings.topic = "other"
        try await consumer.change(settings, by: "ann")
        let gate = Gate()
        broker.gate.withLock { $0 = gate }
        let pausing = Task { try await consumer.pause(by: "ann") }
        try await eventually { gate.isReached }
        settings.concurrency = 7
        try await consumer.change(settings, by: "bob")
        gate.open()
        try await pausing.value
        #expect(consumer.settings.settings.isPaused == true && consumer.settings.settings.concurrency == 7)
        #expect(consumer.settings.revision == 3)
    }

    @Test func anEditThatAnotherProcessOvertookIsMadeOnTopOfIt() async throws {
        let store = InMemorySettingsStore()
        let consumer = try consumer(try await ConsumerTests.broker(), store: store)
        _ = try await store.put(
            "consumer/c", value: Array("{\"concurrency\":3}".utf8), author: "eve", atMs: 0, after: 0)
        try await consumer.pause(by: "ann")
        #expect(consumer.settings.revision == 2)
        #expect(consumer.settings.settings.isPaused == true && consumer.settings.settings.concurrency == 3)
    }

    @Test func whatComesForAnotherShapeIsNotForTheRunThatEnds() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        let gate = Gate()
        consumer.control.withLock { $0.beforeApplying = { revision in if revision == 1 { await gate.pass() } } }
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            let run = try #require(consumer.control.withLock { $0.run })
            let limits = run.state.withLock { $0.engine.settings.limits }
            var settings = ConsumerSettings()
            settings.processor = "partition-batch"
            let changing = Task { [settings] in try await consumer.change(settings, by: "ann") }
            try await eventually { gate.isReached }
            settings.concurrency = 7
            try await consumer.change(settings, by: "bob")
            #expect(run.state.withLock { $0.engine.settings.limits } == limits)
            gate.open()
            _ = try await changing.value
            try await eventually {
                let next = consumer.control.withLock { $0.run }
                return next !== run && next?.state.withLock { $0.engine.settings.concurrency } == 7
            }
        }
    }

    @Test func aSeekWithoutAPartitionSaysSo() async throws {
        let broker = FaultInjectingBroker(try await ConsumerTests.broker())
        let time = ManualTimeSource()
        let consumer = try consumer(broker, timeSource: time)
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            await broker.disconnectAll()
            try await eventually { consumer.inspect().partitions.isEmpty }
            let error = await #expect(throws: SettingsError.self) {
                try await consumer.seek(to: .earliest, by: "ann")
            }
            #expect(error?.code == .invalid && error?.message.contains("owns none") == true)
            #expect(consumer.settings.revision == 0)
            try await eventually {
                time.advance(by: .seconds(1))
                return consumer.inspect().partitions.count == 2
            }
            try await consumer.seek(to: .earliest, by: "ann")
        }
    }

    // MARK: The side queue

    private var waiting: SideEntry {
        let name = RecordName(
            group: "g", partition: TopicPartition(source: "memory", topic: "t", partition: 0),
            position: Position(high: 1, low: 0))
        return SideEntry(
            name: name, mode: .delayed, dueMs: .max, attempts: 1, rounds: 1, reason: "",
            record: Record(key: [1], value: [], position: name.position, timestampMs: 0))
    }

    private func storeWithADelayedRecord() async throws -> InMemoryFailureStore {
        let failures = InMemoryFailureStore()
        try await failures.apply([.put(waiting)])
        return failures
    }

    @Test func aProcessorThatTakesNothingOfTheSideQueueIsRefusedWhileRecordsWaitThere() async throws {
        let failures = try await storeWithADelayedRecord()
        let consumer = try consumer(try await ConsumerTests.broker(), failureStore: failures)
        var settings = ConsumerSettings()
        settings.processor = "partition-batch"
        let other = settings
        func checkThatItIsRefused() async {
            let error = await #expect(throws: SettingsError.self) { try await consumer.change(other, by: "ann") }
            #expect(error?.code == .invalid && error?.message.contains("1 records") == true)
            #expect(consumer.settings.revision == 0)
        }
        await checkThatItIsRefused()
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            await checkThatItIsRefused()
        }
        try await failures.apply([.remove(waiting.name)])
        #expect(try await consumer.change(other, by: "ann") == 1)
        // It is the present one now, and whatever waits there hinders no other change.
        try await failures.apply([.put(waiting)])
        try await consumer.pause(by: "ann")
    }

    @Test func aStartWithSuchAProcessorIsLoggedAsAnError() async throws {
        let store = InMemorySettingsStore()
        _ = try await store.put(
            "consumer/c", value: Array("{\"processor\":\"partition-batch\"}".utf8), author: "ann", atMs: 0, after: 0)
        let errors = Mutex<[String]>([])
        let consumer = try consumer(
            try await ConsumerTests.broker(), store: store, failureStore: try await storeWithADelayedRecord(),
            logger: Logger(label: "test") { _ in ErrorLog { line in errors.withLock { $0.append(line) } } })
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
        }
        #expect(errors.withLock { $0.filter { $0.contains("wait in the side queue") }.count } == 1)
    }
}

/// Hands out what is logged as an error.
private struct ErrorLog: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.error
    let note: @Sendable (String) -> Void

    init(_ note: @escaping @Sendable (String) -> Void) { self.note = note }

    func log(
        level: Logger.Level, message: Logger.Message, metadata: Logger.Metadata?, file: String, function: String,
        line: UInt
    ) {
        if level >= .error { note("\(message)") }
    }
}
