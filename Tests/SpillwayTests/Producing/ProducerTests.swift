import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@testable import Spillway

@Suite struct ProducerTests {
    struct Tag: ProducerInterceptor {
        let name: String
        let log: Notebook

        func send(_ messages: [Message], to topic: String, next: SendNext) async throws -> [SendReceipt] {
            log.state.withLock { $0.values.append("\(name) in") }
            let tagged = messages.map { message in
                var message = message
                message.headers.append(Header(name: name, value: []))
                return message
            }
            let receipts = try await next(tagged, topic)
            log.state.withLock { $0.values.append("\(name) out") }
            return receipts
        }
    }

    /// Loses the receipts.
    struct Forgetful: ProducerInterceptor {
        func send(_ messages: [Message], to topic: String, next: SendNext) async throws -> [SendReceipt] {
            _ = try await next(messages, topic)
            return []
        }
    }

    struct Vote: Codable { var target: String }

    private func values(_ broker: InMemoryBroker) async throws -> [Record] {
        let found = Mutex<[Record]>([])
        try await broker.replay("t", from: [0: .start]) { batch in found.withLock { $0 += batch.records } }
        return found.withLock { $0 }
    }

    @Test func sendsBytesStringsJSONAndBatches() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let registry = MetricsRegistry()
        let producer = try Producer(broker: broker, topic: "t", metrics: registry)
        try await producer.send(key: [1], bytes: [2])
        try await producer.send(key: "k", string: "text")
        try await producer.send(key: nil, json: Vote(target: "v"))
        _ = try await producer.send([Message(key: [1], value: nil), Message(value: [9])])
        #expect(try await producer.send([]).isEmpty)
        let records = try await values(broker)
        #expect(
            records.map { $0.value.map(Array.init) } == [
                [2], Array("text".utf8), Array(#"{"target":"v"}"#.utf8), nil, [9],
            ])
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        #expect(text.contains("spillway_producer_sent_total{topic=\"t\"} 5"))
    }

    @Test func theFirstInterceptorIsTheOutermost() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let log = Notebook()
        var configuration = ProducerConfiguration()
        configuration.interceptors = [Tag(name: "a", log: log), Tag(name: "b", log: log)]
        let producer = try Producer(broker: broker, topic: "t", configuration: configuration)
        try await producer.send(key: "k", string: "v")
        #expect(log.values == ["a in", "b in", "b out", "a out"])
        #expect(try await values(broker).first?.headers.map(\.name) == ["a", "b"])
    }

    @Test func withoutItsReceiptsASendMayHaveWrittenAll() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        var configuration = ProducerConfiguration()
        configuration.interceptors = [Forgetful()]
        let producer = try Producer(broker: broker, topic: "t", configuration: configuration)
        let error = await #expect(throws: BrokerError.self) { try await producer.send(key: "k", string: "v") }
        #expect(error?.code == .outcomeUnknown)
        #expect(try await values(broker).count == 1)
    }

    @Test func whatIsInFlightIsBounded() async throws {
        let clock = ManualTimeSource()
        var faults = BrokerFaults()
        faults.sendDelay = .seconds(1)
        let inner = try await ConsumerTests.broker(partitions: 1)
        let broker = FaultInjectingBroker(inner, faults: faults, timeSource: clock)
        var configuration = ProducerConfiguration()
        configuration.maxInFlightRecords = 2
        let producer = try Producer(broker: broker, topic: "t", configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<2 { group.addTask { try await producer.send(key: "k", string: "v") } }
            try await eventually { clock.sleeperCount == 2 }
            let error = await #expect(throws: BrokerError.self) { try await producer.send(key: "k", string: "v") }
            #expect(error?.code == .queueFull && error?.isRetriable == true)
            broker.faults = BrokerFaults()
            clock.advance(by: .seconds(1))
            try await group.waitForAll()
        }
        try await producer.send(key: "k", string: "v")
        #expect(try await values(inner).count == 3)
    }

    @Test func roomIsGivenBackAfterFailures() async throws {
        var faults = BrokerFaults()
        faults.failedSends = 1
        let broker = FaultInjectingBroker(try await ConsumerTests.broker(partitions: 1), faults: faults)
        var configuration = ProducerConfiguration()
        configuration.maxInFlightRecords = 1
        let producer = try Producer(broker: broker, topic: "t", configuration: configuration)
        for _ in 0..<10 {
            _ = await #expect(throws: BrokerError.self) { try await producer.send(key: "k", string: "v") }
        }
        broker.faults = BrokerFaults()
        try await producer.send(key: "k", string: "v")
    }

    @Test func theLimitCountsRecordsAndBytes() {
        var limit = InFlightLimit(maxRecords: 3, maxBytes: 10)
        check(limit.take(records: 1, bytes: 50), "one send alone always has room")
        check(!limit.take(records: 1, bytes: 0))
        limit.giveBack(records: 1, bytes: 50)
        #expect(
            limit.take(records: 2, bytes: 5) && !limit.take(records: 2, bytes: 1) && !limit.take(records: 1, bytes: 6))
        check(limit.take(records: 1, bytes: 5))
    }
}
