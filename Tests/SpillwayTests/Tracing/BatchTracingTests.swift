import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@Suite struct BatchTracingTests {
    private let collector = SpanCollector()

    private func records(_ contexts: [TraceContext]) -> [HandlingContext] {
        contexts.map { context in
            var message = Message(value: [1])
            message.traceContext = context
            return TracingInterceptorTests.context(message.headers)
        }
    }

    @Test func aBatchLinksToEachSendOnce() async throws {
        let contexts = (0..<3).map { _ in TraceContext.random(isSampled: true) }
        let interceptor = TracingInterceptor(tracer: collector.tracer(), group: "g", relation: .parent)
        _ = await interceptor.handle(records([0, 0, 1, 2, 1, 0].map { contexts[$0] })) { $0.map { _ in .done } }
        let span = try #require(collector.spans.first)
        #expect(span.links.map(\.context) == contexts)
        #expect(span.parentSpanID == nil, "a batch has many senders and is part of no trace of theirs")
        #expect(span.attributes["messaging.batch.message_count"] == 6)
        #expect(span.attributes["messaging.consumer.group.name"] == "g")
        #expect(span.attributes["messaging.destination.partition.id"] == "0")
    }

    @Test func linksAreBoundedAndRecordedSendsComeFirst() async throws {
        let others = (0..<200).map { _ in TraceContext.random(isSampled: false) }
        let recorded = (0..<100).map { _ in TraceContext.random(isSampled: true) }
        let interceptor = TracingInterceptor(tracer: collector.tracer(ratio: 0))
        _ = await interceptor.handle(records(others + recorded)) { $0.map { _ in .done } }
        let links = try #require(collector.spans.first).links.map(\.context)
        #expect(links.count == 128)
        #expect(Array(links.prefix(100)) == recorded && Array(links.suffix(28)) == Array(others.prefix(28)))
    }

    @Test func aBatchOfSeveralPartitionsNamesNone() async throws {
        let interceptor = TracingInterceptor(tracer: collector.tracer())
        let records = [TracingInterceptorTests.context(), TracingInterceptorTests.context(partition: 1)]
        _ = await interceptor.handle(records) { $0.map { _ in .done } }
        #expect(try #require(collector.spans.first).attributes["messaging.destination.partition.id"] == nil)
    }

    @Test func aBatchFailedIfAnyOfItsRecordsDid() async throws {
        let interceptor = TracingInterceptor(tracer: collector.tracer())
        let records = (0..<3).map { _ in TracingInterceptorTests.context() }
        let outcomes = await interceptor.handle(records) { _ in
            [.done, .fail(HandlerError(.rejected, "no", isRetriable: false)), .retry(Trouble())]
        }
        #expect(outcomes.count == 3)
        let span = try #require(collector.spans.first)
        #expect(span.status == SpanStatus(code: .error) && span.attributes["error.type"] == "rejected")
        #expect(span.attributes["spillway.batch.failed_count"] == 2)
    }

    @Test func aPartitionsBatchIsASpanThatLinksToItsSends() async throws {
        let broker = try await ConsumerTests.broker(partitions: 1)
        let tracer = collector.tracer()
        let tracing = TracingInterceptor(tracer: tracer, group: "g")
        var sending = ProducerConfiguration()
        sending.interceptors = [tracing]
        let producer = try Producer(broker: broker, topic: "t", configuration: sending)
        for _ in 0..<3 { _ = try await producer.send((0..<10).map { Message(key: [$0], value: [$0]) }) }
        let projection = ContextProjection()
        projection.state.withLock { $0.failures = 1 }
        let consumer = try Consumer(
            id: "c", broker: broker, configuration: ConsumerTests.configuration(),
            processor: .partitionBatch(projection), interceptors: [tracing])
        try await ConsumerTests.run(consumer) {
            try await eventually { projection.state.withLock { $0.records } == 30 }
        }
        let sends = collector.spans(named: "send t")
        let handlings = collector.spans(named: "process t")
        let done = handlings.filter { $0.status == nil }
        #expect(Set(done.flatMap { $0.links.map(\.context) }) == Set(sends.map(\.context)))
        #expect(projection.state.withLock { $0.contexts } == done.map { Optional($0.context) })
        #expect(done.allSatisfy { $0.attributes["messaging.batch.message_count"] != nil && $0.kind == .consumer })
        let failed = try #require(handlings.first)
        #expect(failed.status == SpanStatus(code: .error))
        #expect(failed.attributes["error.type"] == "Trouble")
        #expect(done.first?.attributes["spillway.attempt"] == 2)
    }
}

/// Notes the contexts in which batches are handled.
private final class ContextProjection: PartitionBatchHandler {
    struct State {
        var failures = 0
        var records = 0
        var contexts: [TraceContext?] = []
    }

    let state = Mutex(State())

    func handle(_ batch: RecordBatch) async throws {
        try state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw Trouble()
            }
            state.records += batch.records.count
            state.contexts.append(TraceContext.current)
        }
    }
}
