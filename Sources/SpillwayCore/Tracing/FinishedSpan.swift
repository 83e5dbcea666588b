/// What a span describes, as OpenTelemetry's `SpanKind`.
public enum SpanKind: Hashable, Sendable, CaseIterable {
    /// Work inside a program.
    case `internal`
    /// The handling of a remote request.
    case server
    /// A request to something remote.
    case client
    /// The sending of messages that are handled later.
    case producer
    /// The handling of messages that were sent before.
    case consumer
}

/// How the work of a span ended, where that is known.
public struct SpanStatus: Hashable, Sendable {
    /// Success or failure.
    public enum Code: Hashable, Sendable {
        /// It worked, says the one who wrote the program, whatever else is seen in the span.
        case ok
        /// It failed.
        case error
    }

    /// Success or failure.
    public var code: Code
    /// Why it failed, for people.
    public var message: String?

    /// Makes a status.
    public init(code: Code, message: String? = nil) {
        self.code = code
        self.message = message
    }
}

/// A span of another trace, or elsewhere in this one, that has to do with this span, such as the sending of a record
/// that is now handled.
public struct SpanLink: Hashable, Sendable {
    /// The other span.
    public let context: TraceContext
    /// What the link says of itself.
    public let attributes: SpanAttributes

    /// Makes a link.
    public init(context: TraceContext, attributes: SpanAttributes = SpanAttributes()) {
        self.context = context
        self.attributes = attributes
    }
}

/// Something that happened at one moment of a span.
public struct SpanEvent: Hashable, Sendable {
    /// What happened, such as `exception`.
    public let name: String
    /// What the event says of itself.
    public let attributes: SpanAttributes
    /// When, in nanoseconds since 1970 UTC; `nil` is the moment at which it is added to the span.
    public let timeNanoseconds: Int64?

    /// Makes an event.
    public init(name: String, attributes: SpanAttributes = SpanAttributes(), timeNanoseconds: Int64? = nil) {
        self.name = name
        self.attributes = attributes
        self.timeNanoseconds = timeNanoseconds
    }
}

/// A span that has ended: what a ``SpanExporter`` takes.
public struct FinishedSpan: Hashable, Sendable {
    /// What was done, of low cardinality, such as `process orders`.
    public var name: String
    /// What it describes.
    public var kind: SpanKind
    /// The span's own place in its trace.
    public var context: TraceContext
    /// The span that it is part of; `nil` for the first of a trace.
    public var parentSpanID: TraceContext.SpanID?
    /// When it began, in nanoseconds since 1970 UTC by the machine's clock.
    public var startNanoseconds: Int64
    /// How long it took, by a clock that never goes back; not negative.
    public var duration: Duration
    /// What it says of itself.
    public var attributes = SpanAttributes()
    /// The other spans that it has to do with; at most ``TraceSpan/maximumLinks``.
    public var links: [SpanLink] = []
    /// How many links were left out because there were too many.
    public var droppedLinks = 0
    /// What happened meanwhile; at most ``TraceSpan/maximumEvents``.
    public var events: [SpanEvent] = []
    /// How many events were left out because there were too many.
    public var droppedEvents = 0
    /// How it ended; `nil` if nobody said.
    public var status: SpanStatus?

    /// Makes a span, as tests of exporters need.
    public init(
        name: String, kind: SpanKind = .internal, context: TraceContext, parentSpanID: TraceContext.SpanID? = nil,
        startNanoseconds: Int64, duration: Duration
    ) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parentSpanID = parentSpanID
        self.startNanoseconds = startNanoseconds
        self.duration = duration
    }

    /// When it ended, in nanoseconds since 1970 UTC: the start and the duration, so that a clock that was set meanwhile
    /// does not bend it.
    public var endNanoseconds: Int64 { startNanoseconds + duration.wholeNanoseconds }
}
