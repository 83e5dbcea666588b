/// Why the server itself refused a request or a connection: the label of a metric, and the answer. The connection is
/// closed after it, since nobody knows where the next request would begin.
struct HTTPRefusal: Error, Sendable {
    /// The reasons, as the metric `spillway_http_refusals_total` names them.
    enum Reason: String, CaseIterable, Sendable {
        case malformed
        case smuggling
        case host
        case authorization
        case target
        case targetTooLong = "target_too_long"
        case headersTooLarge = "headers_too_large"
        case bodyTooLarge = "body_too_large"
        case expectation
        case timeout
        case handlerTimeout = "handler_timeout"
        case connections
        case connectionsPerAddress = "connections_per_address"
        case memory
    }

    var reason: Reason
    var problem: Problem

    init(_ reason: Reason, _ detail: String) { self.init(reason, .badRequest, detail) }

    init(_ reason: Reason, _ status: HTTPStatus, _ detail: String) {
        self.reason = reason
        problem = Problem(status, detail: detail)
    }

    init(_ reason: Reason, problem: Problem) {
        self.reason = reason
        self.problem = problem
    }
}
