import SpillwayCore
import Testing

@testable import SpillwayHTTP

@Suite struct HTTPServerTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func post(_ path: String, _ body: String, _ fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
    }

    /// Answers with the body of the request, after the task has been away from the loop.
    private static func addEcho(_ router: inout HTTPRouter) {
        router.on(.post, "/echo", maximumBodyBytes: 1 << 20) { request in
            try await Task.sleep(for: .milliseconds(1))
            return HTTPResponse(contentType: "text/plain", body: request.body)
        }
        router.on(.get, "/") { _ in .text("root") }
    }

    @Test func aPortIsNotSharedWithAnotherServerHoweverManyLoopsThereAre() async throws {
        try await HTTPTestServer.run({ _, _ in }) { running in
            for count in 1...3 {
                let loops = try (0..<count).map { try EventLoop(name: "second-\($0)") }
                defer { for loop in loops { loop.shutdown() } }
                let second = try HTTPServer(
                    configuration: HTTPServerConfiguration(port: running.port), router: HTTPRouter(), loops: loops,
                    metrics: MetricsRegistry())
                await #expect(throws: EventLoopError.self) { try await second.listen() }
            }
        }
        let loops = try (0..<2).map { try EventLoop(name: "first-\($0)") }
        defer { for loop in loops { loop.shutdown() } }
        let first = try HTTPServer(
            configuration: HTTPServerConfiguration(port: 0), router: HTTPRouter(), loops: loops,
            metrics: MetricsRegistry())
        let port = try await first.listen().port
        let more = try (0..<2).map { try EventLoop(name: "second-\($0)") }
        defer { for loop in more { loop.shutdown() } }
        let second = try HTTPServer(
            configuration: HTTPServerConfiguration(port: port), router: HTTPRouter(), loops: more,
            metrics: MetricsRegistry())
        await #expect(throws: EventLoopError.self) { try await second.listen() }
    }

    @Test func aServerMayListenBeforeItsRoutesAreThere() async throws {
        try await HTTPTestServer.run { _, router in
            router.otherwise(maximumBodyBytes: 1 << 20) { request in
                throw Problem.retry(.serviceUnavailable, after: .seconds(1), detail: "early: \(request.body.count)")
            }
        } _: { server in
            let open = try server.client()
            try await open.send(Self.post("/echo", "x"))
            let early = try await open.response()
            #expect(early.status == 503 && early.body.contains("early: 1"))
            // Its head is there, and its body comes later.
            let half = try server.client()
            let request = Self.post("/echo", String(repeating: "x", count: 100_000))
            try await half.send(String(request.prefix(1_000)))
            try await eventually { server.metric("spillway_http_received_bytes_total") ?? 0 >= 1_000 }
            var router = HTTPRouter()
            Self.addEcho(&router)
            try await server.server.use(router)
            try await half.send(String(request.dropFirst(1_000)))
            #expect(try await half.response().body.contains("early: 100000"))
            try await open.send(Self.post("/echo", "late"))
            #expect(try await open.response().body == "late")
            try await half.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await half.response().status == 404)
            #expect(server.metric("spillway_http_requests_total{route=\"/echo\",status=\"200\"}") == 1)
            #expect(server.metric("spillway_http_requests_total{route=\"none\",status=\"503\"}") == 2)
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrderEachWithItsOwnBody() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let client = try server.client()
            let bodies = (0..<50).map { String(repeating: "\($0),", count: 1 + $0 * 7 % 40) }
            try await client.send(bodies.map { Self.post("/echo", $0) }.joined())
            #expect(try await client.responses(50).map(\.body) == bodies)
            // More than is kept while one is answered: reading stops and goes on.
            let large = (0..<8).map { String(repeating: "\($0)", count: 60_000) }
            try await client.send(large.map { Self.post("/echo", $0) }.joined())
            #expect(try await client.responses(8).map(\.body) == large)
        }
    }

    @Test func aRequestMayComeByteByByte() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let client = try server.client()
            for byte in Self.post("/echo", "hello").utf8 { try await client.send([byte]) }
            #expect(try await client.response().body == "hello")
            #expect(
                server.metric("spillway_http_requests_total{route=\"/echo\",status=\"200\"}") == 1)
            #expect(server.metric("spillway_http_request_duration_seconds_count{route=\"/echo\"}") == 1)
        }
    }

    @Test func handlersRunOnTheLoopOfTheirConnection() async throws {
        try await HTTPTestServer.run { _, router in
            router.on(.get, "/") { _ in
                let before = EventLoop.current
                await Task.yield()
                try await Task.sleep(for: .milliseconds(1))
                return .text("\(before != nil && EventLoop.current === before)")
            }
        } _: { server in
            let client = try server.client()
            try await client.send(Self.get)
            #expect(try await client.response().body == "true")
        }
    }

    @Test func continueIsSentOnceItIsKnownThatTheBodyIsWanted() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let client = try server.client()
            let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"
            try await client.send(head)
            #expect(try await client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hello")
            #expect(try await client.response().body == "hello")
            // The body came along unasked.
            try await client.send(head + "there")
            let rest = try await client.receive(until: "there")
            #expect(rest.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func aHalfClosedClientGetsItsAnswers() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let client = try server.client()
            try await client.send(Self.post("/echo", "one") + Self.post("/echo", "two"))
            client.endSending()
            let all = try await client.receiveAll()
            #expect(all.contains("one") && all.hasSuffix("two"))
            // Half a request is no request.
            let half = try server.client()
            try await half.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
            half.endSending()
            #expect(try await half.receiveAll() == "")
        }
    }

    @Test func headHasTheLengthAndNoBody() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let client = try server.client()
            try await client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try await client.response(toHead: true)
            #expect(response.status == 200 && response.fields["content-length"] == "4")
            try await client.send(Self.get)
            #expect(try await client.response().body == "root")
        }
    }

    @Test func connectionsStayOpenAsTheirVersionSays() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let closing = try server.client()
            try await closing.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + Self.get)
            let one = try await closing.receiveAll()
            #expect(one.contains("Connection: close\r\n") && one.ranges(of: "HTTP/1.1 200").count == 1)
            let old = try server.client()
            try await old.send("GET / HTTP/1.0\r\n\r\n")
            #expect(try await old.receiveAll().contains("Connection: close\r\n"))
            let kept = try server.client()
            for _ in 0..<2 {
                try await kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                #expect(try await kept.response().fields["connection"] == "keep-alive")
            }
        }
    }

    @Test func refusalsOfTheRouterKeepTheConnection() async throws {
        try await HTTPTestServer.run {
            Self.addEcho(&$1)
        } _: { server in
            let client = try server.client()
            try await client.send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")
            let trace = try await client.response()
            #expect(trace.status == 405 && trace.fields["allow"] == "GET, HEAD, OPTIONS")
            #expect(trace.fields["content-type"] == "application/problem+json")
            try await client.send("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n")
            let options = try await client.response()
            #expect(options.status == 204 && options.fields["allow"] == "GET, HEAD, OPTIONS")
            try await client.send(Self.post("/nothing", "x"))
            #expect(try await client.response().status == 404)
            try await client.send(Self.get)
            #expect(try await client.response().status == 200)
        }
    }

    @Test func bodiesAreBoundedByTheirRoute() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.maximumBufferedBodyBytes = 600 << 10
            Self.addEcho(&router)
            router.on(.post, "/small") { .text("\($0.body.count)") }
            router.on(.post, "/none", maximumBodyBytes: 0) { _ in .text("none") }
        } _: { server in
            let client = try server.client()
            let chunked = "POST /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            for empty in [Self.post("/none", ""), chunked + "0\r\n\r\n"] {
                try await client.send(empty)
                #expect(try await client.response().body == "none")
            }
            let other = try server.client()
            try await other.send(chunked + "1\r\na\r\n0\r\n\r\n")
            #expect(try await other.receiveAll().hasPrefix("HTTP/1.1 413 "))
            try await client.send(Self.post("/small", String(repeating: "a", count: 65536)))
            #expect(try await client.response().body == "65536")
            try await client.send(Self.post("/echo", String(repeating: "a", count: 300 << 10)))
            #expect(try await client.response().body.utf8.count == 300 << 10)
            // The client is still sending when it is refused, and yet it sees why.
            let large = [
                ("/small", 65537, 413), ("/small", 1 << 20, 413), ("/none", 1, 413), ("/echo", 800 << 10, 503),
            ]
            for (path, count, status) in large {
                let other = try server.client()
                try await other.send(Self.post(path, String(repeating: "a", count: count)))
                let answer = try await other.receiveAll()
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(path) \(count): \(answer.prefix(200))")
            }
            #expect(server.metric("spillway_http_refusals_total{reason=\"memory\"}") == 1)
            // What was reserved for bodies came back, although these connections stay.
            let clients = try (0..<4).map { _ in try server.client() }
            for client in clients {
                try await client.send(Self.post("/echo", String(repeating: "b", count: 500 << 10)))
                #expect(try await client.response().status == 200)
            }
        }
    }

    /// A client that has the answer may send the next large body over another connection at once.
    @Test func theMemoryOfALargeBodyIsBackBeforeItsAnswerIsOnItsWay() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.maximumBufferedBodyBytes = 600 << 10
            Self.addEcho(&router)
            router.on(.post, "/long", maximumBodyBytes: 1 << 20) { _ in .text(String(repeating: "x", count: 32 << 20)) }
        } _: { server in
            let body = String(repeating: "b", count: 500 << 10)
            let slow = try server.client(receiveBuffer: 64 << 10)
            try await slow.send(Self.post("/long", body))
            // Most of the answer still waits for its reader.
            #expect(try await slow.receive(until: "HTTP/1.1 ").hasPrefix("HTTP/1.1 200"))
            let next = try server.client()
            try await next.send(Self.post("/echo", body))
            #expect(try await next.response().status == 200)
        }
    }

    @Test func errorsOfHandlersTellNothingUnlessTheyMeanTo() async throws {
        struct Secret: Error {}
        struct Teapot: ProblemConvertible {
            var problem: Problem { .retry(.tooManyRequests, after: .milliseconds(1200), detail: "slow\ndown\"") }
        }
        try await HTTPTestServer.run { _, router in
            router.on(.get, "/secret") { _ in throw Secret() }
            router.on(.get, "/teapot") { _ in throw Teapot() }
            router.on(.get, "/split") { _ in
                HTTPResponse(fields: HTTPFields([(HTTPFieldName("X"), "a\r\nInjected: b")]))
            }
        } _: { server in
            let client = try server.client()
            try await client.send("GET /secret HTTP/1.1\r\nHost: a\r\n\r\n")
            let secret = try await client.response()
            #expect(secret.status == 500 && !secret.body.contains("Secret"))
            try await client.send("GET /teapot HTTP/1.1\r\nHost: a\r\n\r\n")
            let teapot = try await client.response()
            #expect(teapot.status == 429 && teapot.fields["retry-after"] == "2")
            #expect(teapot.body.hasSuffix(#""status":429,"detail":"slow\u000adown\""}"#))
            try await client.send("GET /split HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.response().fields["injected"] == nil)
        }
    }

    @Test func addressesBehindTrustedProxiesCount() async throws {
        let proxies = try TrustedProxies(parsing: ["127.0.0.0/8", "10.0.0.0/8"])
        for (isTrusted, expected) in [(true, "203.0.113.7"), (false, "127.0.0.1")] {
            try await HTTPTestServer.run { configuration, router in
                if isTrusted { configuration.trustedProxies = proxies }
                router.on(.get, "/") { .text("\($0.clientAddress)") }
            } _: { server in
                let client = try server.client()
                try await client.send(
                    "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1, 203.0.113.7\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n"
                )
                #expect(try await client.response().body == expected)
            }
        }
    }
}
