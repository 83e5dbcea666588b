import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

/// Notes the context in which it handles, and sends on.
private struct Forwarder: SingleHandler {
    final class Contexts: Sendable {
        let seen = Mutex<[TraceContext?]>([])
    }

    let contexts: Contexts
    let onward: Producer

    func decode(_ record: Record) throws -> String { String(decoding: record.value ?? [], as: UTF8.self) }

    func handle(_ event: String, context: HandlingContext) async throws {
        if event == "fails" && context.attempt == 1 {
            throw HandlerError(.unavailable, "not yet", isRetriable: true)
        }
        contexts.seen.withLock { $0.append(TraceContext.current) }
        try await onward.send(key: "k", string: "onward")
    }
}

@Suite struct TracingInterceptorTests {
    private let collector = SpanCollector()

    private func producer(_ broker: InMemoryBroker, topic: String = "t", ratio: Double = 1, seed: UInt64 = 1) throws
        -> Producer
    {
        var configuration = ProducerConfiguration()
        configuration.interceptors = [TracingInterceptor(tracer: collector.tracer(ratio: ratio, seed: seed))]
        return try Producer(broker: broker, topic: topic, configuration: configuration)
    }

    private func records(_ broker: InMemoryBroker, topic: String = "t", count: Int) async throws -> [Record] {
        let subscription = try await broker.subscribe(SubscriptionRequest(topic: topic, group: "reader"))
        subscription.request(records: count, bytes: 1 << 20)
        var records: [Record] = []
        while records.count < count, let event = try await subscription.next() {
            if case .records(let batch) = event { records += batch.records }
        }
        await subscription.close()
        return records
    }

    @Test func aSendIsASpanAndTravelsWithTheMessage() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let receipt = try await producer(broker).send(Message(key: [1], value: [1, 2, 3]))
        let span = try #require(collector.spans.first)
        #expect(span.name == "send t" && span.kind == .producer && span.status == nil && span.links.isEmpty)
        let position = try #require(receipt.position)
        #expect(
            span.attributes == [
                "messaging.system": "spillway", "messaging.operation.name": "send", "messaging.operation.type": "send",
                "messaging.destination.name": "t", "messaging.message.body.size": 3,
                "messaging.destination.partition.id": "0",
                "messaging.message.id": .string("0/\(position.high):\(position.low)"),
            ])
        #expect(try await records(broker, count: 1)[0].traceContext == span.context)
    }

    @Test func aBatchIsOneSpanWhoseContextAllMessagesCarry() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        _ = try await producer(broker).send((0..<5).map { Message(key: [$0], value: [$0]) })
        let span = try #require(collector.spans.first)
        #expect(collector.spans.count == 1)
        #expect(span.attributes["messaging.batch.message_count"] == 5)
        #expect(span.attributes["messaging.message.body.size"] == nil)
        for record in try await records(broker, count: 5) { #expect(record.traceContext == span.context) }
    }

    @Test func aMessageKeepsTheContextThatItCarriesAndTheSpanLinksToIt() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let created = TraceContext.random(isSampled: true)
        var message = Message(key: [1], value: [1])
        message.traceContext = created
        var broken = Message(key: [1], value: [2])
        broken.headers = [
            Header(name: "traceparent", value: [1]), Header(name: "x", value: []),
            Header(name: "traceparent", value: [2]),
        ]
        _ = try await producer(broker).send([message, broken])
        let span = try #require(collector.spans.first)
        #expect(span.links.map(\.context) == [created])
        let records = try await records(broker, count: 2)
        #expect(records[0].traceContext == created && records[0].headers.count == 1)
        #expect(records[1].traceContext == span.context)
        #expect(records[1].headers.map(\.name) == ["x", "traceparent"], "what is broken is replaced, not added to")
    }

    @Test func aSendThatFailsSaysWhyByCode() async throws {
        let broker = InMemoryBroker()
        await #expect(throws: BrokerError.self) { try await producer(broker).send(key: "k", string: "v") }
        let span = try #require(collector.spans.first)
        #expect(span.status == SpanStatus(code: .error))
        #expect(span.attributes["error.type"] == "unknown-topic")
        #expect(span.events.first?.name == "exception")
    }

    @Test func atRatioZeroAMessageStaysAsItIs() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        try await producer(broker, ratio: 0).send(key: "k", string: "v")
        #expect(try await records(broker, count: 1)[0].headers.isEmpty)
        #expect(collector.spans.isEmpty)
    }

    @Test func aTraceThatIsNotRecordedTravelsOn() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let outside = TraceContext.random(isSampled: false)
        _ = try await TraceContext.$current.withValue(outside) {
            try await producer(broker, ratio: 1).send(Message(key: [1], value: [1]))
        }
        #expect(try await records(broker, count: 1)[0].traceContext == outside)
        #expect(collector.spans.isEmpty)
    }

    /// Sends one message through a consumer whose handler sends on to another topic.
    private func chain(_ relation: TracingInterceptor.Relation, value: String = "v") async throws -> [TraceContext?] {
        let broker = try await ConsumerTests.broker()
        _ = try await broker.ensureTopic("next", partitions: 1)
        let contexts = Forwarder.Contexts()
        let onward = try producer(broker, topic: "next", ratio: 0, seed: 2)
        let tracing = TracingInterceptor(tracer: collector.tracer(ratio: 0, seed: 3), group: "g", relation: relation)
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .single(Forwarder(contexts: contexts, onward: onward)), interceptors: [tracing])
        try await ConsumerTests.run(consumer) {
            try await producer(broker).send(key: "k", string: value)
            try await eventually { collector.spans(named: "send next").count == 1 }
        }
        let records = try await records(broker, topic: "next", count: 1)
        #expect(records[0].traceContext == collector.spans(named: "send next").first?.context)
        return contexts.seen.withLock { $0 }
    }

    @Test func asParentASendItsHandlingAndWhatThatSendsAreOneTrace() async throws {
        let seen = try await chain(.parent)
        let send = try #require(collector.spans(named: "send t").first)
        let process = try #require(collector.spans(named: "process t").first)
        let onward = try #require(collector.spans(named: "send next").first)
        #expect(process.parentSpanID == send.context.spanID && onward.parentSpanID == process.context.spanID)
        #expect(Set([send, process, onward].map(\.context.traceID)).count == 1)
        #expect(process.links.map(\.context) == [send.context])
        #expect(seen == [process.context])
    }

    @Test func byDefaultAHandlingBeginsATraceThatLinksToTheSend() async throws {
        let seen = try await chain(.link)
        let send = try #require(collector.spans(named: "send t").first)
        let process = try #require(collector.spans(named: "process t").first)
        let onward = try #require(collector.spans(named: "send next").first)
        #expect(process.parentSpanID == nil && process.context.traceID != send.context.traceID)
        #expect(process.links.map(\.context) == [send.context])
        #expect(onward.context.traceID == process.context.traceID && onward.parentSpanID == process.context.spanID)
        #expect(seen == [process.context])
        #expect(process.kind == .consumer)
        #expect(process.attributes["messaging.consumer.group.name"] == "g")
        #expect(process.attributes["messaging.operation.type"] == "process")
        #expect(process.attributes["messaging.message.body.size"] == 1)
        #expect(process.attributes["messaging.message.id"] == send.attributes["messaging.message.id"])
        #expect(
            process.attributes["messaging.destination.partition.id"]
                == send.attributes["messaging.destination.partition.id"])
        #expect(process.attributes["messaging.batch.message_count"] == nil)
    }

    @Test func eachAttemptIsASpan() async throws {
        _ = try await chain(.link, value: "fails")
        let spans = collector.spans(named: "process t")
        #expect(spans.count == 2)
        #expect(spans[0].status == SpanStatus(code: .error) && spans[0].attributes["error.type"] == "unavailable")
        #expect(spans[0].attributes["spillway.attempt"] == nil)
        #expect(spans[1].status == nil && spans[1].attributes["spillway.attempt"] == 2)
    }

    @Test func aHandlingHasNothingToDoWithTheConsumersStarter() async throws {
        let outside = TraceContext.random(isSampled: true)
        let seen = await TraceContext.$current.withValue(outside) {
            let interceptor = TracingInterceptor(tracer: collector.tracer(ratio: 0))
            let seen = Mutex<[TraceContext?]>([])
            _ = await interceptor.handle([Self.context()]) { records in
                seen.withLock { $0.append(TraceContext.current) }
                return records.map { _ in .done }
            }
            return seen.withLock { $0 }
        }
        #expect(seen == [nil])
        #expect(collector.spans.isEmpty)
    }

    static func context(_ headers: [Header] = [], partition: Int = 0) -> HandlingContext {
        HandlingContext(
            record: Record(key: [1], value: [1], position: nil, timestampMs: 0, headers: headers),
            partition: TopicPartition(source: "s", topic: "t", partition: partition))
    }

    @Test func brokenHeadersAreNoLinks() async throws {
        let interceptor = TracingInterceptor(tracer: collector.tracer(), relation: .parent)
        let broken = [Header(name: "traceparent", value: Array("00-x".utf8))]
        _ = await interceptor.handle([Self.context(broken)]) { $0.map { _ in .done } }
        let span = try #require(collector.spans.first)
        #expect(span.links.isEmpty && span.parentSpanID == nil && span.status == nil)
    }
}
