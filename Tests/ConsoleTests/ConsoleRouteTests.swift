import Console
import FoundationEssentials
import Spillway
import Synchronization
import Testing

@testable import SpillwayHTTP

@Suite struct ConsoleRouteTests {
    private static let methods: [HTTPMethod] = [.get, .head, .post, .put, .patch, .delete, .options]

    /// `GET /v1/admin/groups` and so on, as the router has them.
    func served(_ router: HTTPRouter) -> Set<String> {
        var served: Set<String> = []
        for pattern in router.patterns {
            let path = Array(
                pattern.replacing("{topic}", with: "x").replacing("{group}", with: "x").replacing("{id}", with: "x")
                    .utf8)
            for method in Self.methods {
                if let route = router.match(method, path: path.span).route, route.method == method {
                    served.insert("\(method) \(pattern)")
                }
            }
        }
        return served
    }

    private struct Operation: Decodable {}

    func documented(_ console: ConsoleRoutes) throws -> Set<String> {
        let text = "{\(console.specification.paths.joined(separator: ","))}"
        let paths = try JSONDecoder().decode([String: [String: Operation]].self, from: Data(text.utf8))
        return Set(paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } })
    }

    @Test func whatIsServedIsDocumentedAndTheOtherWayRound() throws {
        let harness = try ConsoleHarness()
        #expect(try documented(harness.console) == served(harness.router))
        #expect(served(harness.router).count == 8)
    }

    @Test func withoutAStoreThereAreNoDeadLetters() async throws {
        let key = try SigningKey.random()
        let console = ConsoleRoutes(
            authentication: Authentication(TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key)))),
            groups: InMemoryBroker())
        var router = HTTPRouter()
        console.register(on: &router)
        #expect(try documented(console) == served(router))
        #expect(served(router).count == 3)
    }

    /// No route may be reached without the scope, and none says a word of what is behind it.
    @Test func everyRouteIsForAdmins() async throws {
        let harness = try ConsoleHarness()
        try await harness.fill("orders", records: 1)
        try await harness.store.bury(1)
        let letter = "/v1/admin/dead-letters/\(ProbedFailureStore.letter(Position(high: 1, low: 1)).name.text)"
        let requests: [(HTTPMethod, String, String?)] = [
            (.get, "/v1/admin/groups", nil), (.delete, "/v1/admin/groups/orders/g", nil),
            (.put, "/v1/admin/groups/orders/g/offsets", #"{"to":"latest"}"#), (.get, "/v1/admin/dead-letters", nil),
            (.post, "/v1/admin/dead-letters/requeue", #"{"group":"g"}"#), (.get, letter, nil), (.delete, letter, nil),
            (.post, letter + "/requeue", nil),
        ]
        #expect(requests.count == served(harness.router).count)
        for (method, target, body) in requests {
            let nobody = try await harness.send(method, target, body: body, scopes: nil)
            #expect(nobody.status == 401 && nobody["WWW-Authenticate"] == "Bearer", "\(method) \(target)")
            let user = try await harness.send(method, target, body: body, scopes: ["read", "administrator"])
            #expect(user.status == 403 && user["WWW-Authenticate"]?.contains("admin") == true, "\(method) \(target)")
        }
        #expect(try await harness.broker.groups().isEmpty)
        #expect(try await harness.store.deadLetterCount(group: nil).records == 1)
        for (method, target, body) in requests where method != .delete {
            let status = try await harness.send(method, target, body: body).status
            #expect(status == 200, "\(method) \(target)")
            try await harness.store.bury(1)
        }
    }
}
