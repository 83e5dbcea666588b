internal import FoundationEssentials
public import Reactions
public import SpillwayCore
public import SpillwayHTTP

/// Health, metrics, the specification and administration.
public struct OperationRoutes: Sendable {
    private let service: any ReactionServing
    private let authentication: Authentication
    private let registry: MetricsRegistry
    private let routes: ReactionRoutesConfiguration
    private let additions: [OpenAPIFragment]
    private let backup: @Sendable (String) async throws -> Void
    private let blocking: BlockingExecutor

    /// - Parameters:
    ///   - blocking: where the metrics are read: that may wait for a lock, or look at files.
    ///   - routes: what the specification says of the reactions' routes.
    ///   - additions: what the specification says of other parts' routes.
    ///   - backup: copies the data directory to a path; throws `Problem` with what the client should hear.
    public init(
        service: any ReactionServing, authentication: Authentication, registry: MetricsRegistry,
        blocking: BlockingExecutor,
        routes: ReactionRoutesConfiguration = ReactionRoutesConfiguration(targetTypes: ["video", "comment"]),
        additions: [OpenAPIFragment] = [], backup: @escaping @Sendable (String) async throws -> Void
    ) {
        self.service = service
        self.authentication = authentication
        self.registry = registry
        self.blocking = blocking
        self.routes = routes
        self.additions = additions
        self.backup = backup
    }

    /// Adds the routes.
    public func register(on router: inout HTTPRouter) {
        router.on(.get, "/healthz") { _ in .text("ok\n") }
        router.on(.get, "/readyz") { _ in
            guard let reason = service.readiness() else { return .text("ready\n") }
            throw Problem.retry(.serviceUnavailable, after: .seconds(1), detail: reason)
        }
        router.on(.get, "/metrics") { _ in
            let text = try await blocking.run { [registry] in registry.exposition() }
            return HTTPResponse(.ok, contentType: "text/plain; version=0.0.4; charset=utf-8", body: text)
        }
        let specification = Specification(OpenAPIDocument.bytes(routes, additions: additions))
        router.on(.get, "/openapi.json") { specification.response(to: $0) }
        router.on(.post, "/v1/admin/backup", isUntimed: true, handler: backUp)
    }

    /// Answers while what the routes need is being opened: the process lives, and nothing else is known yet.
    ///
    /// - Parameter maximumBodyBytes: the largest body of any route, so that nothing is refused for good.
    public static func answerWhileOpening(on router: inout HTTPRouter, maximumBodyBytes: Int) {
        router.otherwise(maximumBodyBytes: maximumBodyBytes) { request in
            if request.path == "/healthz", request.method == .get || request.method == .head { return .text("ok\n") }
            throw Problem.retry(
                .serviceUnavailable, after: .seconds(1), detail: "the log and the store are being opened")
        }
    }

    private struct BackupFields: Decodable {
        var path: String
    }

    private func backUp(_ request: HTTPRequest) async throws -> HTTPResponse {
        _ = try authentication.principal(of: request, scope: "admin")
        let fields = try request.decodeJSON(BackupFields.self)
        guard fields.path.hasPrefix("/"), fields.path.utf8.count <= 4_096, !fields.path.utf8.contains(0) else {
            throw RequestError.field("path", "must be an absolute path of at most 4096 bytes")
        }
        try await backup(fields.path)
        var json = JSONWriter()
        json.raw("{\"path\":")
        json.string(fields.path)
        json.raw("}")
        return .json(json.bytes)
    }
}
