import Console
import FoundationEssentials
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayTesting

/// The routes over an in-memory broker and a store of dead letters, called without sockets.
struct ConsoleHarness {
    let broker = InMemoryBroker()
    let store: ProbedFailureStore
    let time = ManualTimeSource(wallMilliseconds: 1_800_000_000_000)
    let console: ConsoleRoutes
    let router: HTTPRouter
    private let tokens: TokenIssuer

    init(limits: FailureStoreLimits = FailureStoreLimits(), consumers: [Consumer] = []) throws {
        store = ProbedFailureStore(limits: limits)
        let key = try SigningKey.random()
        tokens = TokenIssuer(key: key)
        console = ConsoleRoutes(
            authentication: Authentication(TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key)))),
            groups: broker, failures: store, groupsWithoutSideQueue: ["projection"], consumers: consumers,
            time: time)
        var router = HTTPRouter()
        console.register(on: &router)
        self.router = router
    }

    struct Answer {
        let response: HTTPResponse
        var status: Int { Int(response.status.rawValue) }
        var text: String {
            guard case .bytes(let bytes) = response.body else { return "" }
            return String(decoding: bytes, as: UTF8.self)
        }
        subscript(_ name: String) -> String? { response.fields[HTTPFieldName(name)] }

        func read<T: Decodable>(_ type: T.Type) throws -> T {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(type, from: Data(text.utf8))
        }

        var problem: ProblemText { get throws { try read(ProblemText.self) } }
    }

    struct ProblemText: Decodable {
        var type: String
        var status: Int
        var detail: String
        var field: String?
    }

    /// - Parameter scopes: `nil` sends no token.
    func send(
        _ method: HTTPMethod, _ target: String, body: String? = nil, scopes: [String]? = ["admin"]
    ) async throws -> Answer {
        var fields: [(HTTPFieldName, String)] = []
        if let scopes {
            let token = try tokens.token(
                subject: "root", scopes: scopes, issuedAtMs: SystemTimeSource().wallMilliseconds(),
                lifetime: .seconds(60))
            fields.append((.authorization, "Bearer \(token)"))
        }
        if body != nil { fields.append((.contentType, "application/json")) }
        return Answer(
            response: await router.respond(
                to: HTTPRequest(method: method, target: target, headers: fields, body: Array((body ?? "").utf8))))
    }

    /// A topic with this many records of the key `k`, a second apart from 2026-01-01T00:00:00Z on.
    func fill(_ topic: String, records: Int) async throws {
        _ = try await broker.ensureTopic(topic, partitions: 1)
        for number in 0..<records {
            let message = Message(
                key: Array("k".utf8), value: Array("\(number)".utf8),
                timestampMs: 1_767_225_600_000 + Int64(number) * 1_000)
            _ = try await broker.send(message, to: topic)
        }
    }

    func partition(_ topic: String, _ number: Int = 0) -> TopicPartition {
        TopicPartition(source: broker.source, topic: topic, partition: number)
    }
}
