/// Begins spans; shaped like swift-distributed-tracing's `Tracer`.
///
/// ```swift
/// let tracer = Tracer(exporter: exporter, sampler: TraceSampler(ratio: 0.01))
/// try await tracer.withSpan("charge") { span in
///     span.attributes["order.id"] = "42"
///     try await charge()
/// }
/// ```
///
/// Where nothing is recorded a span is a few comparisons: no id is drawn, no clock read, no name built.
public struct Tracer: Sendable {
    /// Records nothing; contexts from elsewhere pass through it unchanged.
    public static let noOp = Tracer(core: nil)

    private let core: TracerCore?

    private init(core: TracerCore?) { self.core = core }

    /// Makes a tracer.
    ///
    /// - Parameters:
    ///   - exporter: takes the spans that have ended.
    ///   - sampler: says which traces are recorded; by default only those that others record.
    ///   - time: the clocks.
    ///   - random: draws 64 random bits, from any thread; by default the system's.
    public init(
        exporter: any SpanExporter, sampler: TraceSampler = TraceSampler(), time: any TimeSource = SystemTimeSource(),
        random: @escaping @Sendable () -> UInt64 = Tracer.systemRandom
    ) {
        core = TracerCore(exporter: exporter, sampler: sampler, time: time, random: random)
    }

    /// 64 random bits from the system.
    public static let systemRandom: @Sendable () -> UInt64 = {
        var random = SystemRandomNumberGenerator()
        return random.next()
    }

    /// Begins a span; its owner ends it with ``TraceSpan/end()``.
    ///
    /// Nothing puts its context into ``TraceContext/current``: see ``withSpan(_:context:ofKind:links:_:)`` and
    /// ``TraceSpan/withContext(_:)``.
    ///
    /// - Parameters:
    ///   - operationName: what is done, of low cardinality.
    ///   - context: what the span is part of; by default the present task's context. `nil` begins a trace.
    ///   - kind: what it describes; default internal.
    ///   - links: other spans that it has to do with; the first ``TraceSpan/maximumLinks`` are kept.
    public func startSpan(
        _ operationName: @autoclosure () -> String, context: @autoclosure () -> TraceContext? = TraceContext.current,
        ofKind kind: SpanKind = .internal, links: [SpanLink] = []
    ) -> TraceSpan {
        let parent = context()
        // A trace that is not recorded goes on as it came: an id of ours would be of a span that nobody finds.
        guard let core, parent?.isSampled ?? true else { return TraceSpan(context: parent) }
        guard let context = parent.map({ core.child(of: $0) }) ?? core.begin(links: links) else {
            return TraceSpan(context: nil)
        }
        guard context.isSampled else { return TraceSpan(context: context) }
        var span = FinishedSpan(
            name: operationName(), kind: kind, context: context, parentSpanID: parent?.spanID,
            startNanoseconds: core.time.wallNanoseconds(), duration: .zero)
        for link in links { TraceSpan.append(link, to: &span) }
        return TraceSpan(
            context: context,
            recording: SpanRecording(span, start: core.time.now(), time: core.time, exporter: core.exporter))
    }

    /// Runs an operation as a span: its context is ``TraceContext/current`` meanwhile, an error that is thrown is
    /// recorded, and the span is ended.
    ///
    /// - Parameters:
    ///   - operationName: what is done, of low cardinality.
    ///   - context: what the span is part of; by default the present task's context. `nil` begins a trace.
    ///   - kind: what it describes; default internal.
    ///   - links: other spans that it has to do with.
    ///   - operation: what is done.
    public func withSpan<Result>(
        _ operationName: @autoclosure () -> String, context: @autoclosure () -> TraceContext? = TraceContext.current,
        ofKind kind: SpanKind = .internal, links: [SpanLink] = [],
        _ operation: (TraceSpan) async throws -> Result
    ) async rethrows -> Result {
        let span = startSpan(operationName(), context: context(), ofKind: kind, links: links)
        defer { span.end() }
        do {
            return try await span.withContext { try await operation(span) }
        } catch {
            span.recordError(error)
            throw error
        }
    }
}
