public import SpillwayCore

/// Finds the handler for each request, and stands the middleware before it.
///
/// A path is split at its slashes first, then each segment is percent-decoded once and compared: an encoded slash is
/// part of a segment. `HEAD` is answered by the `GET` handler, its body left out; `OPTIONS` by the methods that the path
/// has; a path that no route has is a 404, one without the method a 405 with `Allow`. All of that, like every error of a
/// handler, is answered as a ``Problem``.
///
/// ```swift
/// var router = HTTPRouter(logger: logger)
/// router.use(CrossOrigin(rules))
/// router.on(.post, "/v1/votes") { request in … }
/// router.on(.get, "/v1/targets/{id}/voters") { request in
///     let id = request.parameter("id")
///     …
/// }
/// ```
public struct HTTPRouter: Sendable {
    private var tree = RouteTree()
    private var middleware: [any HTTPMiddleware] = []
    private var fallback: HTTPRouteMatch?
    private let logger: Logger

    /// Makes a router without routes.
    ///
    /// - Parameter logger: hears of errors that are answered with a 500.
    public init(logger: Logger = Logger(label: "http")) { self.logger = logger }

    /// Adds a route, which must not be there yet.
    ///
    /// - Parameters:
    ///   - method: `OPTIONS` and `HEAD` may be given, and then go before what the router does itself.
    ///   - path: segments that stand for themselves, and `{name}` for one that may be anything but empty.
    ///   - maximumBodyBytes: the largest body that is taken; 0: none, as suits an ``EventStream``; nil: the server's default.
    ///   - isUntimed: whether the handler takes as long as it takes, for work that grows with what is stored. Default
    ///     false: it is cut off at the server's request timeout.
    ///   - handler: what answers.
    public mutating func on(
        _ method: HTTPMethod, _ path: String, maximumBodyBytes: Int? = nil, isUntimed: Bool = false,
        handler: @escaping HTTPHandler
    ) {
        precondition(method != .other && method != .trace, "\(method) can't have a route")
        tree.insert(method, path, maximumBodyBytes: maximumBodyBytes, isUntimed: isUntimed, handler: handler)
    }

    /// Answers requests whose path has no route, in place of a 404.
    ///
    /// - Parameters:
    ///   - maximumBodyBytes: the largest body that is taken; nil: the server's default.
    ///   - handler: what answers.
    public mutating func otherwise(maximumBodyBytes: Int? = nil, handler: @escaping HTTPHandler) {
        fallback = .otherwise(handler, maximumBodyBytes: maximumBodyBytes)
    }

    /// Adds middleware inside of that which is there. It sees every request that was received whole, also those without
    /// a route.
    public mutating func use(_ middleware: any HTTPMiddleware) { self.middleware.append(middleware) }

    /// Answers a request without any socket.
    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        let bytes = request.storage.bytes
        request.storage.match = match(request.method, path: bytes.span.extracting(request.storage.path))
        return await responder()(request)
    }

    /// The patterns of all routes, at the places that `HTTPRoute.patternIndex` says.
    var patterns: [String] { tree.patterns }

    func match(_ method: HTTPMethod, path: Span<UInt8>) -> HTTPRouteMatch {
        let match = tree.match(method, path: path)
        if case .notFound = match, let fallback { return fallback }
        return match
    }

    /// Has the middleware add to a refusal of the server what it adds to answers.
    func finishRefusal(_ response: inout HTTPResponse, of request: HTTPRequest) {
        for layer in middleware.reversed() { layer.finishRefusal(&response, of: request) }
    }

    /// Middleware and dispatch in one closure, to be made once. The request knows its match.
    func responder() -> HTTPResponder {
        let logger = logger
        var responder: HTTPResponder = { request in
            guard let handler = request.storage.match.handler else { return Self.refusal(request.storage.match) }
            do {
                return try await handler(request)
            } catch {
                return Self.response(for: error, request, logger)
            }
        }
        for layer in middleware.reversed() {
            let next = responder
            responder = { request in
                do {
                    return try await layer.handle(request, next: next)
                } catch {
                    return Self.response(for: error, request, logger)
                }
            }
        }
        return responder
    }

    private static func response(for error: any Error, _ request: HTTPRequest, _ logger: Logger) -> HTTPResponse {
        if let convertible = error as? any ProblemConvertible { return convertible.problem.response }
        if error is CancellationError {
            return Problem.retry(
                .serviceUnavailable, after: .seconds(1),
                type: request.method.isSafe ? "about:blank" : "outcome-unknown",
                detail: "the request was given up before its answer was there"
            ).response
        }
        logger.error(
            "a handler failed", metadata: ["route": "\(request.route ?? "")", "error": "\(String(reflecting: error))"])
        return Problem(.internalServerError, detail: "the server failed; its log says why").response
    }

    /// The answer where no route is.
    static func refusal(_ match: HTTPRouteMatch) -> HTTPResponse {
        switch match {
        case .route, .otherwise, .notFound:
            return Problem(.notFound, detail: "there is nothing at this path").response
        case .malformedPath:
            return Problem(.badRequest, detail: "the path holds an escape that is not UTF-8").response
        case .methodNotAllowed(let allow):
            var problem = Problem(.methodNotAllowed, detail: "this path takes \(allow)")
            problem.fields.append(.allow, allow)
            return problem.response
        case .options(let allow):
            return HTTPResponse(.noContent, fields: HTTPFields([(.allow, allow)]))
        }
    }
}
