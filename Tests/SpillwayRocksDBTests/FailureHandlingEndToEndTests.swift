import Spillway
import SpillwayCore
import SpillwayRocksDB
import Synchronization
import Testing

/// A consumer on one directory: its log, its side queue and its dead letters, all closed and opened again.
@Suite struct FailureHandlingEndToEndTests {
    private struct Trouble: Error {}

    /// Fails for one key until it is told to recover.
    private final class Handler: SingleHandler {
        private let state = Mutex<(handled: [String], isBroken: Bool)>(([], true))
        var handled: [String] { state.withLock { $0.handled } }
        func handled(of key: Character) -> [String] { handled.filter { $0.first == key } }
        func recover() { state.withLock { $0.isBroken = false } }

        func decode(_ record: Record) throws -> String { String(decoding: record.value ?? [], as: UTF8.self) }

        func handle(_ event: String, context: HandlingContext) async throws {
            if event.hasPrefix("bad") { throw HandlerError(.rejected, "never", isRetriable: false) }
            try state.withLock {
                if event == "a0", $0.isBroken { throw Trouble() }
                $0.handled.append(event)
            }
        }
    }

    private func run(_ fixture: BrokerFixture, _ handler: Handler, _ body: (RocksFailureStore) async throws -> Void)
        async throws
    {
        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.commitInterval = .milliseconds(5)
        configuration.retry = RetryPolicy(
            backoff: Backoff(base: .milliseconds(1), maximum: .milliseconds(2)), maxAttempts: 2, whenExhausted: .hold,
            sideBackoff: Backoff(base: .milliseconds(5), maximum: .milliseconds(20)))
        let store = try RocksFailureStore(fixture.database)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let consumer = try Consumer(
            id: "c", broker: fixture.broker, configuration: configuration, processor: .single(handler),
            failureStore: store, logger: logger)
        let group = ServiceGroup(services: [consumer], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do {
                try await body(store)
            } catch {
                tasks.cancelAll()
                throw error
            }
            group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func send(_ fixture: BrokerFixture, _ values: [String]) async throws {
        for value in values {
            _ = try await fixture.broker.send(
                Message(key: bytes(String(value.prefix(1))), value: bytes(value)), to: "t")
        }
    }

    @Test func whatWasPutAsideComesBackInOrderAfterAReopen() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        let handler = Handler()
        try await run(fixture, handler) { store in
            try await send(fixture, (0..<10).flatMap { ["a\($0)", "b\($0)"] } + ["bad"])
            try await eventually("the others are handled") { handler.handled(of: "b").count == 10 }
            try await eventually("the failing ones are put aside") {
                try await store.sideCount(group: "g").records == 10
            }
            try await eventually("the bad one is given up") { try await store.deadLetterCount(group: "g").records == 1 }
            #expect(handler.handled(of: "a").isEmpty)
        }
        try await fixture.reopen()
        handler.recover()
        try await run(fixture, handler) { store in
            try await send(fixture, (10..<20).map { "a\($0)" })
            try await eventually("those come back") { handler.handled(of: "a").count == 20 }
            try await eventually("nothing is left aside") { try await store.sideCount(group: "g").records == 0 }
            let letters = try await store.deadLetters(group: "g", after: nil, limit: 10)
            #expect(letters.map { $0.record.value.map(Array.init) } == [bytes("bad")])
            #expect(letters.map(\.attempts) == [1])
        }
        #expect(handler.handled(of: "a") == (0..<20).map { "a\($0)" })
        #expect(handler.handled.count == 30, "nothing was handled twice")
        let committed = try await fixture.broker.committed(group: "g", topic: "t")
        let counts = try await fixture.broker.recordCounts(from: committed, of: "t")
        #expect(counts.values.allSatisfy { $0 == 0 })
        try await fixture.close()
    }
}
