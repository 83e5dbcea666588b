/// One method on one path, and what answers it.
final class HTTPRoute: Sendable {
    let method: HTTPMethod
    let pattern: RoutePattern
    /// The number of the pattern among the router's, for metrics.
    let patternIndex: Int
    /// The largest body in bytes; nil: the server's default.
    let maximumBodyBytes: Int?
    /// Whether the handler takes as long as it takes, whatever the server's request timeout says.
    let isUntimed: Bool
    let handler: HTTPHandler

    init(
        method: HTTPMethod, pattern: RoutePattern, patternIndex: Int, maximumBodyBytes: Int?, isUntimed: Bool,
        handler: @escaping HTTPHandler
    ) {
        self.method = method
        self.pattern = pattern
        self.patternIndex = patternIndex
        self.maximumBodyBytes = maximumBodyBytes
        self.isUntimed = isUntimed
        self.handler = handler
    }
}

/// What a router finds for a method and a path.
enum HTTPRouteMatch: Sendable {
    case route(HTTPRoute, parameters: [String])
    /// The path is known, with other methods: the value of `Allow`.
    case methodNotAllowed(allow: String)
    /// `OPTIONS` on a known path that has no handler for it.
    case options(allow: String)
    case notFound
    /// No route is there, and the router has its own answer to that.
    case otherwise(HTTPHandler, maximumBodyBytes: Int?)
    /// A segment decodes to what is not UTF-8.
    case malformedPath

    var route: HTTPRoute? { if case .route(let route, _) = self { route } else { nil } }

    /// The largest body in bytes; nil: the server's default.
    var maximumBodyBytes: Int? {
        switch self {
        case .route(let route, _): route.maximumBodyBytes
        case .otherwise(_, let maximumBodyBytes): maximumBodyBytes
        case .methodNotAllowed, .options, .notFound, .malformedPath: nil
        }
    }

    /// What answers; nil where a refusal does.
    var handler: HTTPHandler? {
        switch self {
        case .route(let route, _): route.handler
        case .otherwise(let handler, _): handler
        case .methodNotAllowed, .options, .notFound, .malformedPath: nil
        }
    }

    func parameter(_ name: String) -> String? {
        guard case .route(let route, let parameters) = self else { return nil }
        guard let index = route.pattern.parameterNames.firstIndex(of: name) else { return nil }
        return parameters[index]
    }
}
