/// A piece of work within a trace; shaped like swift-distributed-tracing's `Span`, whose plain name is the standard
/// library's.
///
/// A copy is the same span. A span that is not recorded takes everything and keeps nothing; it still has the
/// ``context`` to send along. Who begins a span ends it with ``end()``, or lets ``Tracer/withSpan(_:context:ofKind:links:_:)``
/// do both.
public struct TraceSpan: Sendable {
    /// The most links that a span keeps.
    public static let maximumLinks = 128
    /// The most events that a span keeps.
    public static let maximumEvents = 128

    /// What to send along, so that others continue the trace; `nil` outside every trace.
    public let context: TraceContext?
    private let recording: SpanRecording?

    init(context: TraceContext?, recording: SpanRecording? = nil) {
        self.context = context
        self.recording = recording
    }

    /// True while what is set is kept: the trace is recorded and the span has not ended. Ask before anything that costs
    /// something to work out.
    public var isRecording: Bool { recording.map { !$0.isEnded } ?? false }

    /// What is done, of low cardinality; empty if the span is not recorded.
    public var operationName: String {
        get { recording?.read { $0.name } ?? "" }
        nonmutating set { recording?.update { $0.name = newValue } }
    }

    /// What the span says of itself; empty if it is not recorded. To set several, ``updateAttributes(_:)`` costs less.
    public var attributes: SpanAttributes {
        get { recording?.read { $0.attributes } ?? SpanAttributes() }
        nonmutating set { recording?.update { $0.attributes = newValue } }
    }

    /// Sets several attributes at once. The closure runs under the span's lock, and not at all if the span is not
    /// recorded.
    public func updateAttributes(_ update: (inout SpanAttributes) -> Void) {
        recording?.update { update(&$0.attributes) }
    }

    /// Says how the work ended.
    public func setStatus(_ status: SpanStatus) { recording?.update { $0.status = status } }

    /// Adds a link; beyond ``maximumLinks`` it is only counted.
    public func addLink(_ link: SpanLink) { recording?.update { Self.append(link, to: &$0) } }

    /// Adds an event; beyond ``maximumEvents`` it is only counted.
    public func addEvent(_ event: SpanEvent) {
        guard let recording else { return }
        let stamped = SpanEvent(
            name: event.name, attributes: event.attributes,
            timeNanoseconds: event.timeNanoseconds ?? recording.nowNanoseconds)
        recording.update { span in
            if span.events.count < Self.maximumEvents {
                span.events.append(stamped)
            } else {
                span.droppedEvents += 1
            }
        }
    }

    /// Adds an error as OpenTelemetry's event `exception`, and says that the work failed.
    public func recordError(_ error: any Error) {
        guard isRecording else { return }
        addEvent(
            SpanEvent(
                name: "exception",
                attributes: [
                    "exception.type": .string(String(describing: type(of: error))),
                    "exception.message": .string("\(error)"),
                ]))
        setStatus(SpanStatus(code: .error))
    }

    /// Ends the span and hands it to the exporter; from the second call on nothing happens.
    public func end() { recording?.end() }

    /// Runs a body in which ``TraceContext/current`` is this span's ``context``, also if that is `nil`.
    public func withContext<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        if context == TraceContext.current { return try await body() }
        return try await TraceContext.$current.withValue(context, operation: body)
    }

    static func append(_ link: SpanLink, to span: inout FinishedSpan) {
        if span.links.count < maximumLinks {
            span.links.append(link)
        } else {
            span.droppedLinks += 1
        }
    }
}
