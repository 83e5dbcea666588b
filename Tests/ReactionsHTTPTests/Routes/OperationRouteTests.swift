import FoundationEssentials
import Reactions
import SpillwayCore
import SpillwayHTTP
import Synchronization
import Testing

@testable import ReactionsHTTP

@Suite struct OperationRouteTests {
    @Test func itIsReadyFromStartToEnd() async throws {
        let harness = try RouteHarness()
        let client = Client(router: harness.router, tokens: harness.tokens)
        #expect(try await client.send(.get, "/healthz").status == 200)
        let before = try await client.send(.get, "/readyz")
        #expect(before.status == 503 && before["Retry-After"] != nil && before.json["detail"].string != nil)
        #expect(try await client.vote("a", as: "me").status == 503)
        #expect(try await client.send(.get, "/v1/votes/summary?target_ids=a").status == 503)
        try await harness.run { client in
            let during = try await client.send(.get, "/readyz")
            #expect(during.status == 200)
        }
        #expect(try await client.send(.get, "/readyz").json["detail"].string == "draining")
        harness.service.announceShutdown()
        #expect(try await client.send(.get, "/readyz").status == 503)
    }

    @Test func metricsArePrometheusText() async throws {
        try await RouteHarness().run { client in
            let answer = try await client.send(.get, "/metrics")
            #expect(answer["Content-Type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            #expect(answer.text.contains("# TYPE "))
        }
    }

    private final class Place: Sendable {
        let thread = Mutex("")

        func note() {
            let name = (try? Data(contentsOf: URL(filePath: "/proc/thread-self/comm"))) ?? Data()
            thread.withLock { $0 = String(decoding: name.dropLast(), as: UTF8.self) }
        }
    }

    /// Some of them wait for locks that are held while something is written.
    @Test func metricsAreReadWhereCallsMayBlock() async throws {
        let harness = try RouteHarness()
        let place = Place()
        try harness.registry.meter("test_place", help: "Where it is read.") {
            place.note()
            return 1
        }
        try await harness.run { client in
            let answer = try await client.send(.get, "/metrics")
            #expect(answer.text.contains("test_place 1"))
        }
        #expect(place.thread.withLock { $0 } == "reader")
    }

    @Test func theSpecificationIsServedWithATag() async throws {
        let harness = try RouteHarness()
        let client = Client(router: harness.router, tokens: harness.tokens)
        let answer = try await client.send(.get, "/openapi.json")
        #expect(answer.status == 200 && answer["Content-Type"] == "application/json")
        #expect(answer.json["openapi"].string == "3.1.0")
        let tag = try #require(answer["ETag"])
        #expect(try await client.send(.get, "/openapi.json", headers: [("If-None-Match", tag)]).status == 304)
        #expect(try await client.send(.post, "/openapi.json")["Allow"] == "GET, HEAD, OPTIONS")
    }

    @Test func backupsAreForAdmins() async throws {
        let harness = try RouteHarness()
        let backups = harness.backups
        try await harness.run { client in
            let path = "/v1/admin/backup"
            let body = #"{"path":"/somewhere \"x\""}"#
            #expect(try await client.send(.post, path, body: body).status == 401)
            let user = try await client.send(.post, path, as: "me", body: body)
            #expect(user.status == 403 && user["WWW-Authenticate"]?.contains("insufficient_scope") == true)
            #expect(try await client.send(.post, path, as: "me", scopes: ["administrator"], body: body).status == 403)
            #expect(backups.paths.isEmpty)
            let done = try await client.send(.post, path, as: "me", scopes: ["read", "admin"], body: body)
            #expect(done.status == 200 && done.json["path"].string == "/somewhere \"x\"")
            #expect(backups.paths == ["/somewhere \"x\""])
            for bad in [#"{"path":"relative"}"#, #"{"path":""}"#, #"{"path":"/a\u0000b"}"#, "{}", #"{"path":1}"#] {
                let answer = try await client.send(.post, path, as: "me", scopes: ["admin"], body: bad)
                #expect(answer.status == 422 && answer.json["field"].string == "path", "\(bad)")
            }
            let refused = try await client.send(
                .post, path, as: "me", scopes: ["admin"], body: #"{"path":"/refused"}"#)
            #expect(refused.status == 422)
        }
    }
}
