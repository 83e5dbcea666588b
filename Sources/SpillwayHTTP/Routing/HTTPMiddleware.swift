/// What answers a request. It runs on the loop of the request's connection and must not block.
public typealias HTTPHandler = @Sendable (HTTPRequest) async throws -> HTTPResponse

/// What stands behind a middleware: further middleware and at last the route's handler, or the refusal if there is no
/// route. Errors have become responses already.
public typealias HTTPResponder = @Sendable (HTTPRequest) async -> HTTPResponse

/// Stands between the server and the handlers: looks at each request and each response, changes them, or answers itself.
///
/// Middleware runs in the order in which it was added, the first one outermost. What it throws becomes a response as
/// what a handler throws does, before the middleware outside of it sees it.
public protocol HTTPMiddleware: Sendable {
    /// Answers a request, most often by calling `next`.
    func handle(_ request: HTTPRequest, next: HTTPResponder) async throws -> HTTPResponse

    /// Adds to a refusal of the server itself what this middleware adds to answers. Called where the request's head was
    /// complete when the server refused it: its body is too large or came too slowly, or its handler took too long. The
    /// body is not there. Default: adds nothing.
    func finishRefusal(_ response: inout HTTPResponse, of request: HTTPRequest)
}

extension HTTPMiddleware {
    /// Adds nothing.
    public func finishRefusal(_ response: inout HTTPResponse, of request: HTTPRequest) {}
}
