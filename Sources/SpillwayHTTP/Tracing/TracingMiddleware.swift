public import SpillwayCore

/// Traces requests as OpenTelemetry's conventions for HTTP servers have it: a span `<method> <route>` of kind server,
/// part of the client's trace if clients are trusted and the request has a valid `traceparent`.
///
/// While the handler runs, `TraceContext.current` is the span's context. The span ends with the answer's head; of a
/// stream of events it holds the beginning. Query and client's address are not in it: they are nobody's business
/// there.
///
/// A client's trace is recorded if the client says so, whatever the sampler's ratio, and what it sends along
/// (`tracestate`, up to 512 bytes) goes with every message that follows from it. So strangers are not trusted unless
/// the program says so: their headers are passed over.
public struct TracingMiddleware: HTTPMiddleware {
    private static let parent = HTTPFieldName("traceparent")
    private static let state = HTTPFieldName("tracestate")

    private let tracer: Tracer
    private let scheme: String
    private let trustsClients: Bool

    /// Makes the middleware; it should be the outermost.
    ///
    /// - Parameters:
    ///   - tracer: begins the spans.
    ///   - scheme: `http` or `https`, as clients see it.
    ///   - trustsClients: continue clients' traces; default false, each request begins a trace.
    public init(tracer: Tracer, scheme: String, trustsClients: Bool = false) {
        self.tracer = tracer
        self.scheme = scheme
        self.trustsClients = trustsClients
    }

    /// Answers as a span.
    public func handle(_ request: HTTPRequest, next: HTTPResponder) async throws -> HTTPResponse {
        let span = tracer.startSpan(Self.name(of: request), context: context(of: request), ofKind: .server)
        guard span.isRecording else { return await span.withContext { await next(request) } }
        defer { span.end() }
        span.updateAttributes { attributes in
            attributes["http.request.method"] = .string(Self.method(of: request) ?? "_OTHER")
            attributes["url.scheme"] = .string(scheme)
            attributes["url.path"] = .string(request.path)
            if let route = request.route { attributes["http.route"] = .string(route) }
        }
        let response = await span.withContext { await next(request) }
        let status = Int(response.status.rawValue)
        span.updateAttributes { attributes in
            attributes["http.response.status_code"] = .int(status)
            if status >= 500 { attributes["error.type"] = "\(status)" }
        }
        if status >= 500 { span.setStatus(SpanStatus(code: .error)) }
        return response
    }

    private func context(of request: HTTPRequest) -> TraceContext? {
        guard trustsClients, request.hasHeader(Self.parent) else { return nil }
        let parents = request.headers(Self.parent)
        // A request with several has none that is valid.
        guard parents.count == 1 else { return nil }
        return TraceContext(traceparent: parents[0], tracestate: request.headers(Self.state))
    }

    private static func name(of request: HTTPRequest) -> String {
        let method = method(of: request) ?? "HTTP"
        return request.route.map { "\(method) \($0)" } ?? method
    }

    private static func method(of request: HTTPRequest) -> String? {
        request.method == .other ? nil : request.method.description
    }
}
