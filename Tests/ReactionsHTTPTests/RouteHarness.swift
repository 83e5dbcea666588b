import FoundationEssentials
import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayRocksDB
import Synchronization

@testable import ReactionsHTTP

/// The routes on a real service with an in-memory log and a store in a directory of its own, called without sockets.
final class RouteHarness {
    let router: HTTPRouter
    let service: ReactionService
    let tokens: TokenIssuer
    let backups: Backups
    let registry = MetricsRegistry()
    private let directory: String
    private let database: Database

    /// Where backups were asked for; one that is refused throws.
    final class Backups: Sendable {
        private let made = Mutex<[String]>([])
        var paths: [String] { made.withLock { $0 } }

        func make(_ path: String) throws {
            if path == "/refused" { throw Problem(.unprocessableContent, detail: "there is something at this path") }
            made.withLock { $0.append(path) }
        }
    }

    init(
        _ configuration: ReactionsConfiguration = ReactionsConfiguration(),
        routes change: (inout ReactionRoutesConfiguration) -> Void = { _ in }, time: any TimeSource = SystemTimeSource()
    ) throws {
        var configuration = configuration
        configuration.partitions = 3
        directory = "/tmp/spillway-routes-\(UUID().uuidString)"
        var opening = Database.Configuration()
        opening.families = RocksReactionStore.familyOptions(memtableBytes: opening.memtableBytes)
        database = try Database.open(directory, opening)
        let store = try RocksReactionStore(
            database, epoch: database.storeEpoch, partitions: 3, targetTypes: configuration.targetTypes)
        let readers = BlockingExecutor(name: "reader", threads: 2)
        service = try ReactionService(
            configuration: configuration, broker: InMemoryBroker(sharesSequence: true), store: store,
            failures: InMemoryFailureStore(),
            blocking: readers,
            projections: BlockingExecutor(name: "projection", threads: 2), registry: registry,
            logger: Logger(label: "test"))
        let key = try SigningKey.random()
        tokens = TokenIssuer(key: key)
        let authentication = Authentication(TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key))))
        var routes = ReactionRoutesConfiguration(targetTypes: configuration.targetTypes)
        change(&routes)
        var router = HTTPRouter()
        ReactionRoutes(service: service, authentication: authentication, configuration: routes, time: time)
            .register(on: &router)
        let backups = Backups()
        OperationRoutes(
            service: service, authentication: authentication, registry: registry, blocking: readers, routes: routes,
            backup: { try backups.make($0) }
        ).register(on: &router)
        self.backups = backups
        self.router = router
    }

    deinit {
        try? database.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs the body while the service runs.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable (Client) async throws -> Result
    ) async throws -> Result {
        try await service.start()
        let service = service
        let client = Client(router: router, tokens: tokens)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                do { try await service.run() } catch is CancellationError {}
                return nil
            }
            let result = try await body(client)
            group.cancelAll()
            return result
        }
    }
}

/// Sends requests to a router.
struct Client: Sendable {
    let router: HTTPRouter
    let tokens: TokenIssuer

    struct Answer {
        let response: HTTPResponse
        var status: Int { Int(response.status.rawValue) }
        var text: String {
            guard case .bytes(let bytes) = response.body else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        /// The body, read as JSON.
        var json: JSON { (try? JSON(text)) ?? .null }
        subscript(_ name: String) -> String? { response.fields[HTTPFieldName(name)] }
    }

    func token(_ user: String, scopes: [String] = [], agedMs: Int64 = 0) throws -> String {
        try tokens.token(
            subject: user, scopes: scopes, issuedAtMs: SystemTimeSource().wallMilliseconds() - agedMs,
            lifetime: .seconds(60))
    }

    func send(
        _ method: HTTPMethod, _ target: String, as user: String? = nil, scopes: [String] = [],
        headers: [(String, String)] = [], body: String? = nil,
        from address: ClientAddress = ClientAddress(ipv4: 0x7F00_0001)
    ) async throws -> Answer {
        var fields = headers.map { (HTTPFieldName($0.0), $0.1) }
        if let user { fields.append((.authorization, "Bearer \(try token(user, scopes: scopes))")) }
        if body != nil, !headers.contains(where: { $0.0 == "Content-Type" }) {
            fields.append((.contentType, "application/json"))
        }
        return Answer(
            response: await router.respond(
                to: HTTPRequest(
                    method: method, target: target, headers: fields, body: Array((body ?? "").utf8),
                    clientAddress: address)))
    }

    func vote(
        _ target: String, as user: String, _ action: String = "like", headers: [(String, String)] = [],
        from address: ClientAddress = ClientAddress(ipv4: 0x7F00_0001)
    ) async throws -> Answer {
        try await send(
            .post, "/v1/votes", as: user, headers: headers,
            body: "{\"target_id\":\"\(target)\",\"target_type\":\"video\",\"action\":\"\(action)\"}", from: address)
    }
}
