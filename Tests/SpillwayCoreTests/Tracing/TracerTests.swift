import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

@Suite struct TracerTests {
    private struct Trouble: Error {}

    private let collector = SpanCollector()
    private let time = ManualTimeSource(wallMilliseconds: 1_700_000_000_000)

    private func context(sampled: Bool) -> TraceContext {
        TraceContext(traceID: .init(high: 1, low: 2), spanID: .init(3), isSampled: sampled)
    }

    @Test func aSpanSaysWhenItBeganAndHowLongItTook() {
        let span = collector.tracer(time: time).startSpan("work", ofKind: .client)
        time.setWall(milliseconds: 5)
        time.advance(by: .milliseconds(250))
        span.end()
        span.end()
        let spans = collector.spans
        #expect(spans.count == 1)
        #expect(spans[0].name == "work" && spans[0].kind == .client && spans[0].parentSpanID == nil)
        #expect(spans[0].startNanoseconds == 1_700_000_000_000_000_000)
        #expect(spans[0].duration == .milliseconds(250), "a wall clock that was set does not bend it")
        #expect(spans[0].endNanoseconds == 1_700_000_000_250_000_000)
    }

    @Test func spansInsideOneAnotherAreOneTrace() async throws {
        let tracer = collector.tracer()
        await tracer.withSpan("outer") { outer in
            #expect(TraceContext.current == outer.context)
            await tracer.withSpan("inner") { inner in #expect(TraceContext.current == inner.context) }
            #expect(TraceContext.current == outer.context)
        }
        #expect(TraceContext.current == nil)
        let inner = try #require(collector.spans.first)
        let outer = try #require(collector.spans.last)
        #expect(inner.context.traceID == outer.context.traceID && inner.parentSpanID == outer.context.spanID)
        #expect(inner.context.spanID != outer.context.spanID)
    }

    @Test func anErrorEndsTheSpanAndIsRecorded() async throws {
        let tracer = collector.tracer(time: time)
        await #expect(throws: Trouble.self) {
            try await tracer.withSpan("work") { _ in
                time.advance(by: .milliseconds(3))
                throw Trouble()
            }
        }
        let span = try #require(collector.spans.first)
        #expect(span.status == SpanStatus(code: .error))
        #expect(span.events.first?.name == "exception")
        #expect(span.events.first?.timeNanoseconds == span.startNanoseconds + 3_000_000)
        #expect(span.events.first?.attributes["exception.type"] == "Trouble")
        #expect(span.events.first?.attributes["exception.message"] == "Trouble()")
    }

    @Test func whatIsSetAfterTheEndIsNotKept() {
        let span = collector.tracer().startSpan("work")
        span.attributes["a"] = 1
        span.operationName = "renamed"
        span.end()
        span.attributes["b"] = 2
        #expect(!span.isRecording)
        #expect(collector.spans[0].attributes == ["a": 1] && collector.spans[0].name == "renamed")
        #expect(span.attributes == ["a": 1])
    }

    @Test func aTraceGoesOnAsItWasBegun() {
        for ratio in [0.0, 1.0] {
            let tracer = collector.tracer(ratio: ratio)
            let recorded = tracer.startSpan("a", context: context(sampled: true))
            #expect(recorded.isRecording && recorded.context?.traceID == context(sampled: true).traceID)
            #expect(recorded.context?.spanID != context(sampled: true).spanID)
            let other = tracer.startSpan("b", context: context(sampled: false))
            #expect(!other.isRecording && other.context == context(sampled: false), "it passes through unchanged")
        }
    }

    @Test func atRatioZeroNothingBeginsAndNothingIsDrawnOrNamed() {
        let collector = collector
        let tracer = Tracer(exporter: collector) {
            Issue.record("an id was drawn")
            return 1
        }
        func name() -> String {
            Issue.record("a name was built")
            return ""
        }
        let span = tracer.startSpan(name(), context: nil)
        #expect(span.context == nil && !span.isRecording)
        span.end()
        #expect(collector.spans.isEmpty)
    }

    @Test func aTracerThatRecordsNothingPassesContextsOn() async {
        let span = Tracer.noOp.startSpan("work", context: context(sampled: true))
        #expect(span.context == context(sampled: true) && !span.isRecording)
        span.attributes["a"] = 1
        span.recordError(Trouble())
        #expect(span.attributes.isEmpty && span.operationName.isEmpty)
        #expect(await Tracer.noOp.withSpan("work") { _ in 5 } == 5)
    }

    @Test func aTraceThatIsNotRecordedStillSaysSo() {
        let tracer = collector.tracer(ratio: 1e-15)
        let span = tracer.startSpan("work")
        #expect(span.context?.isSampled == false && !span.isRecording)
    }

    @Test func aTraceThatLinksToARecordedOneIsRecorded() throws {
        let tracer = collector.tracer(ratio: 0)
        #expect(!tracer.startSpan("a", links: [SpanLink(context: context(sampled: false))]).isRecording)
        let span = tracer.startSpan("b", links: [SpanLink(context: context(sampled: true))])
        span.end()
        let finished = try #require(collector.spans.first)
        #expect(finished.parentSpanID == nil && finished.context.isSampled)
        #expect(finished.context.traceID != context(sampled: true).traceID)
        #expect(finished.links.map(\.context) == [context(sampled: true)])
    }

    @Test func theRatioIsTheShareOfTraces() {
        for ratio in [0.1, 0.5, 0.9] {
            let tracer = collector.tracer(ratio: ratio, seed: 7)
            let recorded = (0..<20_000).filter { _ in tracer.startSpan("work").isRecording }.count
            #expect(abs(Double(recorded) / 20_000 - ratio) < 0.015)
        }
    }

    @Test func theChoiceIsTheTracesOwn() {
        // Of two samplers the one with the greater ratio records all that the other does; 2^55 is the middle.
        func isRecorded(_ low: UInt64, _ ratio: Double) -> Bool {
            let numbers = Mutex<[UInt64]>([9, low, 9])
            let tracer = Tracer(exporter: collector, sampler: TraceSampler(ratio: ratio)) {
                numbers.withLock { $0.removeFirst() }
            }
            return tracer.startSpan("work", context: nil).isRecording
        }
        #expect(isRecorded(1 << 55, 0.5) && !isRecorded(1 << 55 - 1, 0.5))
        #expect(isRecorded(1 << 56 - 1, 1e-9) && isRecorded(0, 1))
        #expect(!isRecorded(1 << 63, 0.5), "only the lowest 56 bits are random by the standard")
    }

    @Test func whatASpanKeepsIsBoundedAndCounted() throws {
        let span = collector.tracer().startSpan("work")
        for number in 0..<200 {
            span.addEvent(SpanEvent(name: "\(number)"))
            span.addLink(SpanLink(context: .random()))
            span.attributes["\(number)"] = 1
        }
        span.end()
        let finished = try #require(collector.spans.first)
        #expect(finished.events.count == 128 && finished.droppedEvents == 72)
        #expect(finished.links.count == 128 && finished.droppedLinks == 72)
        #expect(finished.attributes.entries.count == 128 && finished.attributes.droppedCount == 72)
    }

    @Test func manyTasksMayUseOneSpan() async {
        let span = collector.tracer().startSpan("work")
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 { group.addTask { span.attributes["\(number)"] = .int(number) } }
        }
        await withTaskGroup(of: Void.self) { group in for _ in 0..<50 { group.addTask { span.end() } } }
        #expect(collector.spans.count == 1)
    }
}
