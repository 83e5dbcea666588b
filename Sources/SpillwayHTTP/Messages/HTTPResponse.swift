/// What a handler answers.
public struct HTTPResponse: Sendable {
    /// The status.
    public var status: HTTPStatus
    /// The header fields, without those that the server adds (`Date`, `Content-Length`, `Connection`).
    public var fields: HTTPFields
    /// The body.
    public var body: HTTPBody

    /// Makes a response of bytes.
    public init(_ status: HTTPStatus = .ok, fields: HTTPFields = HTTPFields(), body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = .bytes(body)
    }

    /// Makes a response of bytes with their type.
    public init(_ status: HTTPStatus = .ok, contentType: String, body: [UInt8]) {
        self.init(status, body: body)
        fields.append(.contentType, contentType)
    }

    /// Makes a response that lasts as long as its stream.
    public init(events: EventStream) {
        status = .ok
        fields = Self.eventFields
        body = .events(events)
    }

    /// A response of type `application/json`.
    public static func json(_ body: [UInt8], status: HTTPStatus = .ok) -> HTTPResponse {
        var response = HTTPResponse(status, body: body)
        response.fields = jsonFields
        return response
    }

    /// A response of type `text/plain; charset=utf-8`.
    public static func text(_ text: String, status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
    }

    /// A stream of server-sent events; see ``EventStream``.
    public static func events(
        _ options: EventStream.Options = EventStream.Options(),
        _ body: @escaping @Sendable (EventStreamWriter) async throws -> Void
    ) -> HTTPResponse {
        HTTPResponse(events: EventStream(options, body))
    }

    // Made once: a copy of an array costs a reference.
    private static let jsonFields = HTTPFields([(.contentType, "application/json")])
    private static let eventFields = HTTPFields([
        (.contentType, "text/event-stream"), (.cacheControl, "no-store"), (HTTPFieldName("X-Accel-Buffering"), "no"),
    ])
}

/// A response's body.
public enum HTTPBody: Sendable {
    /// All of it.
    case bytes([UInt8])
    /// Server-sent events, one after the other.
    case events(EventStream)
}
