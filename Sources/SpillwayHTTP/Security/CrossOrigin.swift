/// Tells browsers which pages of other origins may read the answers, and answers their preflights.
///
/// A request from elsewhere is served like any other; it is the browser that keeps the answer from the page.
public struct CrossOrigin: HTTPMiddleware {
    private let rules: CrossOriginRules
    private let preflightFields: HTTPFields
    private let exposedHeaders: String

    private static let requestMethod = HTTPFieldName("Access-Control-Request-Method")
    private static let allowOrigin = HTTPFieldName("Access-Control-Allow-Origin")
    private static let allowMethods = HTTPFieldName("Access-Control-Allow-Methods")
    private static let exposeHeaders = HTTPFieldName("Access-Control-Expose-Headers")

    /// Makes the middleware. With rules that allow nothing it changes nothing.
    public init(_ rules: CrossOriginRules) {
        self.rules = rules
        exposedHeaders = rules.exposedHeaders.joined(separator: ", ")
        preflightFields = HTTPFields([
            (HTTPFieldName("Access-Control-Allow-Headers"), rules.allowedHeaders.joined(separator: ", ")),
            (HTTPFieldName("Access-Control-Max-Age"), "\(rules.maximumAge.components.seconds)"),
        ])
    }

    /// Adds what the browser has to know.
    public func handle(_ request: HTTPRequest, next: HTTPResponder) async throws -> HTTPResponse {
        var response = await next(request)
        addFields(to: &response, of: request)
        return response
    }

    /// As to any other answer: a page must be able to read why the server refused it.
    public func finishRefusal(_ response: inout HTTPResponse, of request: HTTPRequest) {
        addFields(to: &response, of: request)
    }

    private func addFields(to response: inout HTTPResponse, of request: HTTPRequest) {
        if rules.allowNothing { return }
        let isPreflight =
            request.method == .options && request.hasHeader(.origin) && request.hasHeader(Self.requestMethod)
        // A shared cache must not give one origin's answer to another; so also for answers that allow nothing.
        if rules.origins != .any || isPreflight {
            response.fields.append(
                .vary, isPreflight ? "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" : "Origin")
        }
        let origins = request.headers(.origin)
        guard origins.count == 1, let allowed = rules.allowedOrigin(for: origins[0]) else { return }
        response.fields.append(Self.allowOrigin, allowed)
        if isPreflight {
            // The router has said which methods the path takes.
            response.fields.append(Self.allowMethods, response.fields[.allow] ?? "GET, HEAD, POST, OPTIONS")
            response.fields.append(contentsOf: preflightFields)
        } else {
            response.fields.append(Self.exposeHeaders, exposedHeaders)
        }
    }
}
