import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// A store whose answers can be lost, and whose newest row can't be read while it is damaged.
private final class FaultySettings: SettingsStore {
    struct Faults {
        var isDamaged = false
        var losesPuts = false
        var losesReads = false
    }

    let inner = InMemorySettingsStore()
    let faults = Mutex(Faults())

    func current(_ name: String) async throws -> SettingsEntry? {
        if faults.withLock({ $0.losesReads }) { throw Trouble() }
        if faults.withLock({ $0.isDamaged }) { throw SettingsError(.failed, "the row is damaged") }
        return try await inner.current(name)
    }

    func history(_ name: String, limit: Int) async throws -> [SettingsEntry] {
        try await inner.history(name, limit: limit)
    }

    func put(
        _ name: String, value: [UInt8], author: String, atMs: Int64, after revision: Int
    ) async throws -> SettingsEntry {
        let entry = try await inner.put(name, value: value, author: author, atMs: atMs, after: revision)
        if faults.withLock({ $0.losesPuts }) { throw Trouble() }
        faults.withLock { $0.isDamaged = false }
        return entry
    }
}

@Suite struct ConsumerSettingsStoreTests {
    private let notebook = Notebook()
    private let store = FaultySettings()

    private func consumer(_ broker: InMemoryBroker) throws -> Consumer {
        try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .single(NotingHandler(notebook: notebook)), settings: store, logger: quietLogger)
    }

    private func send(_ count: Int, to broker: InMemoryBroker) async throws {
        for number in 0..<count {
            _ = try await broker.send(Message(key: [UInt8(number)], value: Array("\(number)".utf8)), to: "t")
        }
    }

    @Test func aConsumerWhoseSettingsCantBeReadStartsPaused() async throws {
        let broker = try await ConsumerTests.broker()
        let paused = Array("{\"is_paused\":true}".utf8)
        _ = try await store.put("consumer/c", value: paused, author: "ann", atMs: 0, after: 0)
        store.faults.withLock { $0.isDamaged = true }
        let consumer = try consumer(broker)
        try await ConsumerTests.run(consumer) {
            try await send(5, to: broker)
            try await eventually { consumer.inspect().partitions.count == 2 }
            #expect(consumer.inspect().isPaused && notebook.values.isEmpty)
            try await consumer.resume(by: "bob")
            try await eventually { notebook.values.count == 5 }
        }
        #expect(try await store.current("consumer/c")?.revision == 2)
    }

    @Test func aChangeWhoseAnswerWasLostHolds() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            store.faults.withLock { $0.losesPuts = true }
            try await consumer.pause(by: "ann")
            #expect(consumer.settings.revision == 1 && consumer.inspect().isPaused)
            // Nobody can tell what came of it.
            store.faults.withLock { $0.losesReads = true }
            await #expect(throws: Trouble.self) { try await consumer.resume(by: "ann") }
            #expect(consumer.settings.revision == 1 && consumer.inspect().isPaused)
            store.faults.withLock { $0 = FaultySettings.Faults() }
            try await consumer.resume(by: "ann")
            #expect(!consumer.inspect().isPaused)
            try await send(5, to: broker)
            try await eventually { notebook.values.count == 5 }
        }
        // The second one of the same millisecond is taken for the first, whose answer was lost.
        #expect([[3, 2, 1], [2, 1]].contains(try await store.history("consumer/c", limit: 9).map(\.revision)))
    }

    @Test func afterAConflictTheConsumerGoesOverToWhatIsStored() async throws {
        let broker = try await ConsumerTests.broker()
        let consumer = try consumer(broker)
        try await ConsumerTests.run(consumer) {
            try await eventually { consumer.inspect().partitions.count == 2 }
            let other = Array("{\"is_paused\":true,\"concurrency\":2}".utf8)
            _ = try await store.put("consumer/c", value: other, author: "eve", atMs: 0, after: 0)
            let error = await #expect(throws: SettingsError.self) {
                try await consumer.change(ConsumerSettings(), by: "ann")
            }
            #expect(error?.code == .conflict && error?.newestRevision == 1)
            #expect(consumer.settings.revision == 1 && consumer.inspect().isPaused)
            // A pause says nothing of the rest, so it is no conflict.
            _ = try await store.put("consumer/c", value: other, author: "eve", atMs: 0, after: 1)
            try await consumer.resume(by: "ann")
            #expect(consumer.settings.revision == 3 && consumer.settings.settings.concurrency == 2)
            #expect(!consumer.inspect().isPaused)
            // Whoever has seen a revision here before the consumer has read it from the store.
            _ = try await store.put("consumer/c", value: other, author: "eve", atMs: 0, after: 3)
            await #expect(throws: SettingsError.self) {
                try await consumer.change(ConsumerSettings(), by: "ann", after: 4)
            }
            #expect(try await consumer.change(ConsumerSettings(), by: "ann", after: 4) == 5)
        }
    }
}
