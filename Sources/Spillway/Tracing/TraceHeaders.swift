public import SpillwayCore

/// How a trace travels with a message: the headers `traceparent` and `tracestate` of W3C Trace Context, their names in
/// small letters, their values as text.
enum TraceHeaders {
    static let parent = "traceparent"
    static let state = "tracestate"
    /// What is longer is foreign; version 00 of the standard has 55 bytes.
    static let longestParent = 512
    /// What is longer is left out; the standard asks for 512 bytes to be passed on.
    static let longestState = 4_096

    static func isOurs(_ header: Header) -> Bool { header.name == parent || header.name == state }

    /// The headers that carry a context.
    static func headers(of context: TraceContext) -> [Header] {
        var headers = [Header(name: parent, value: Array(context.traceparent.utf8))]
        if let text = context.state.header { headers.append(Header(name: state, value: Array(text.utf8))) }
        return headers
    }
}

extension TraceContext {
    /// Reads the context that travels in a message's headers; `nil` if there is none, or none that can be understood:
    /// not exactly one `traceparent`, or one that is broken. A broken `tracestate` is left out.
    public init?(headers: [Header]) {
        var parent: [UInt8]?
        var states: [String] = []
        var stateBytes = 0
        for header in headers where TraceHeaders.isOurs(header) {
            if header.name == TraceHeaders.parent {
                guard parent == nil, header.value.count <= TraceHeaders.longestParent else { return nil }
                parent = header.value
            } else {
                stateBytes += header.value.count
                if stateBytes <= TraceHeaders.longestState {
                    states.append(String(decoding: header.value, as: UTF8.self))
                }
            }
        }
        guard let parent else { return nil }
        self.init(traceparent: parent, tracestate: stateBytes <= TraceHeaders.longestState ? states : [])
    }
}

extension Message {
    /// The context that travels in the headers; `nil` if there is none that can be understood. Setting it replaces what
    /// was there of it, so that headers don't grow.
    public var traceContext: TraceContext? {
        get { headers.isEmpty ? nil : TraceContext(headers: headers) }
        set { replaceTraceHeaders(by: newValue.map { TraceHeaders.headers(of: $0) } ?? []) }
    }

    /// Sets headers that were made once for many messages.
    mutating func replaceTraceHeaders(by new: [Header]) {
        if !headers.isEmpty { headers.removeAll(where: TraceHeaders.isOurs) }
        headers += new
    }
}

extension Record {
    /// The context that travels in the headers; `nil` if there is none that can be understood.
    public var traceContext: TraceContext? { headers.isEmpty ? nil : TraceContext(headers: headers) }
}
