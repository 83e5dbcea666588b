/// Where a piece of work stands in a distributed trace: W3C Trace Context (https://www.w3.org/TR/trace-context/).
public struct TraceContext: Hashable, Sendable {
    /// The trace's 128 bits; not zero.
    public struct TraceID: Hashable, Sendable, CustomStringConvertible {
        /// The upper 64 bits.
        public var high: UInt64
        /// The lower 64 bits.
        public var low: UInt64

        /// Makes an id; not both halves are zero.
        public init(high: UInt64, low: UInt64) {
            precondition(high != 0 || low != 0, "a trace id is not zero")
            self.high = high
            self.low = low
        }

        /// 32 hexadecimal digits in lower case.
        public var description: String {
            var bytes: [UInt8] = []
            TraceContextText.appendHex(high, to: &bytes)
            TraceContextText.appendHex(low, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The span's 64 bits; not zero.
    public struct SpanID: Hashable, Sendable, CustomStringConvertible {
        /// The 64 bits.
        public var rawValue: UInt64

        /// Makes an id; not zero.
        public init(_ rawValue: UInt64) {
            precondition(rawValue != 0, "a span id is not zero")
            self.rawValue = rawValue
        }

        /// 16 hexadecimal digits in lower case.
        public var description: String {
            var bytes: [UInt8] = []
            TraceContextText.appendHex(rawValue, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The trace.
    public var traceID: TraceID
    /// The span within the trace.
    public var spanID: SpanID
    /// True if the caller may have recorded this trace.
    public var isSampled: Bool
    /// What vendors send along.
    public var state: TraceState

    /// The context of the present task; nil outside a trace.
    @TaskLocal public static var current: TraceContext?

    /// Makes a context.
    public init(traceID: TraceID, spanID: SpanID, isSampled: Bool = false, state: TraceState = TraceState()) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// Begins a new trace with random ids.
    public static func random(isSampled: Bool = false) -> TraceContext {
        TraceContext(
            traceID: TraceID(high: .random(in: 1 ... .max), low: .random(in: 0 ... .max)),
            spanID: SpanID(.random(in: 1 ... .max)), isSampled: isSampled)
    }

    /// A new span in the same trace.
    public func child() -> TraceContext {
        var child = self
        child.spanID = SpanID(.random(in: 1 ... .max))
        return child
    }

    /// Reads the headers of a request, strictly; nil if `traceparent` is invalid, and then the receiver begins a new
    /// trace.
    ///
    /// Of version 00 exactly 55 characters are allowed, in lower case; of later versions what version 00 knows is
    /// read, as the standard asks (section 4.3); version ff and ids of zero are invalid. An invalid `tracestate` is
    /// left out.
    ///
    /// - Parameters:
    ///   - traceparent: The one header of that name; a request with several has none that is valid.
    ///   - tracestate: The headers of that name, in order.
    public init?(traceparent: String, tracestate: [String] = []) {
        self.init(traceparent: Array(traceparent.utf8), tracestate: tracestate)
    }

    /// Reads headers whose values are bytes, as those of messages are; see ``init(traceparent:tracestate:)-(String,_)``.
    public init?(traceparent: [UInt8], tracestate: [String] = []) {
        guard let parsed = TraceContextText.parse(traceparent) else { return nil }
        self.init(
            traceID: TraceID(high: parsed.high, low: parsed.low), spanID: SpanID(parsed.span),
            isSampled: parsed.flags & 1 == 1, state: TraceState(headers: tracestate) ?? TraceState())
    }

    /// The `traceparent` to send along, of version 00: 55 characters.
    public var traceparent: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(55)
        bytes.append(contentsOf: "00-".utf8)
        TraceContextText.appendHex(traceID.high, to: &bytes)
        TraceContextText.appendHex(traceID.low, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        TraceContextText.appendHex(spanID.rawValue, to: &bytes)
        bytes.append(contentsOf: (isSampled ? "-01" : "-00").utf8)
        return String(decoding: bytes, as: UTF8.self)
    }
}
