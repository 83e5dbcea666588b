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

@Suite struct ConsumerSettingsRacesTests {
    private let notebook = Notebook()

    private func consumer(_ broker: InMemoryBroker, store: (any SettingsStore)? = nil) throws -> Consumer {
        try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processors: [
                .single(NotingHandler(notebook: notebook)), .partitionBatch(ConsumerEngineTests.Projecting()),
            ], settings: store, logger: quietLogger)
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
}
