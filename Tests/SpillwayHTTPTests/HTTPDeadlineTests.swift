import SpillwayCore
import Testing

@testable import SpillwayHTTP

/// Deadlines, limits on connections, and shutdown.
@Suite struct HTTPDeadlineTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func aRequestThatDoesNotArriveIsATimeout() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.requestTimeout = .milliseconds(150)
            router.on(.get, "/") { _ in .text("root") }
        } _: { server in
            for text in ["GET / HT", Self.get + "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"] {
                let client = try server.client()
                try await client.send(text)
                let answer = try await client.receiveAll()
                #expect(answer.contains("HTTP/1.1 408 "), "\(answer)")
            }
            // A client that sends a byte now and then gains nothing. It stops soon, for a byte that came after the server's
            // patience would reset the connection, and a busy machine would lose the answer.
            let dripping = try server.client()
            let dripped = Task {
                for byte in Self.get.utf8.prefix(10) {
                    try await dripping.send([byte])
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            #expect(try await dripping.receiveAll().contains("HTTP/1.1 408 "))
            dripped.cancel()
            _ = await dripped.result
        }
    }

    @Test func anIdleConnectionEnds() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.idleTimeout = .milliseconds(300)
            router.on(.get, "/") { _ in .text("root") }
        } _: { server in
            let idle = try server.client()
            #expect(try await idle.receiveAll() == "")
            // A busy machine may need longer than the server's patience to send, and is then turned away rightly: again.
            try await eventually {
                let kept = try server.client()
                let start = ContinuousClock.now
                guard (try? await kept.send(Self.get)) != nil, try await kept.receiveAll().hasSuffix("root") else {
                    return false
                }
                #expect(ContinuousClock.now - start >= .milliseconds(290))
                return true
            }
        }
    }

    @Test func anAnswerThatTakesTooLongHasAnUnknownOutcome() async throws {
        let gate = TestGate()
        try await HTTPTestServer.run { configuration, router in
            configuration.requestTimeout = .milliseconds(150)
            router.on(.get, "/") { _ in
                await gate.wait()
                return .text("late")
            }
        } _: { server in
            let client = try server.client()
            try await client.send(Self.get)
            let answer = try await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("\"type\":\"outcome-unknown\""))
            #expect(answer.contains("Retry-After: 1\r\n"))
            gate.open()
        }
    }

    /// A page of another origin must be able to read why it was refused, also where the server did it.
    @Test func theServersOwnRefusalsSayWhoMayReadThem() async throws {
        let rules = try CrossOriginRules(origins: ["https://a.example"])
        let gate = TestGate()
        try await HTTPTestServer.run { configuration, router in
            configuration.requestTimeout = .milliseconds(150)
            router.use(CrossOrigin(rules))
            router.on(.post, "/") { _ in
                await gate.wait()
                return .text("late")
            }
        } _: { server in
            func answer(origin: String, _ rest: String) async throws -> String {
                let client = try server.client()
                try await client.send("POST / HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n" + rest)
                return try await client.receiveAll()
            }
            for (rest, status) in [
                ("Content-Length: 9\r\n\r\nabc", "408"), ("Content-Length: 99999999\r\n\r\n", "413"),
                ("Transfer-Encoding: chunked\r\n\r\n3\r\nab", "408"), ("Content-Length: 0\r\n\r\n", "503"),
            ] {
                let allowed = try await answer(origin: "https://a.example", rest)
                #expect(allowed.hasPrefix("HTTP/1.1 \(status) "), "\(allowed)")
                #expect(allowed.contains("\r\nAccess-Control-Allow-Origin: https://a.example\r\n"), "\(allowed)")
                #expect(allowed.contains("\r\nVary: Origin\r\n"), "\(allowed)")
                let other = try await answer(origin: "https://b.example", rest)
                #expect(other.hasPrefix("HTTP/1.1 \(status) ") && !other.contains("Access-Control-Allow-Origin"))
            }
            // Of half a head nothing is known.
            let half = try server.client()
            try await half.send("POST / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n")
            #expect(!(try await half.receiveAll().contains("Access-Control")))
            gate.open()
        }
    }

    /// A backup takes as long as the disk does. What comes behind it has its time again.
    @Test func anUntimedRouteAnswersWhenItIsDone() async throws {
        let gate = TestGate()
        try await HTTPTestServer.run { configuration, router in
            configuration.requestTimeout = .milliseconds(150)
            configuration.idleTimeout = .milliseconds(150)
            router.on(.post, "/", isUntimed: true) { _ in
                await gate.wait()
                return .text("done")
            }
        } _: { server in
            let client = try server.client()
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            let other = try server.client()
            // Whoever comes later is turned away for taking too long before this one is answered.
            try await other.send("GET / HT")
            #expect(try await other.receiveAll().contains("HTTP/1.1 408 "))
            gate.open()
            #expect(try await client.receiveAll().hasSuffix("done"))
        }
    }

    @Test func aReaderThatTakesNothingIsCutOff() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.requestTimeout = .milliseconds(300)
            let body = [UInt8](repeating: 120, count: 4 << 20)
            router.on(.get, "/") { _ in HTTPResponse(body: body) }
        } _: { server in
            let client = try server.client(receiveBuffer: 4096)
            try await client.send(String(repeating: Self.get, count: 100))
            // It reads nothing at all.
            try await eventually { server.server.connectionCount == 0 }
            #expect((server.metric("spillway_http_sent_bytes_total") ?? 0) < Double(6 << 20), "one answer at a time")
        }
    }

    @Test func connectionsBeyondTheLimitAreTurnedAway() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.maximumConnections = 3
            router.on(.get, "/") { _ in .text("root") }
        } _: { server in
            let clients = try (0..<3).map { _ in try server.client() }
            for client in clients {
                try await client.send(Self.get)
                #expect(try await client.response().status == 200)
            }
            let fourth = try await server.client().receiveAll()
            #expect(fourth.hasPrefix("HTTP/1.1 503 ") && fourth.contains("Retry-After: "))
            clients[0].endSending()
            try await eventually { server.server.connectionCount == 2 }
            let next = try server.client()
            try await next.send(Self.get)
            #expect(try await next.response().status == 200)
        }
    }

    @Test func requestsOfClientsThatHaveGoneCount() async throws {
        let gate = TestGate()
        let began = TestCount()
        try await HTTPTestServer.run { configuration, router in
            configuration.maximumConnections = 4
            router.on(.get, "/") { _ in
                began.add()
                await gate.wait()
                return .text("root")
            }
        } _: { server in
            for number in 1...20 {
                do {
                    let client = try server.client()
                    client.resetAtEnd()
                    try? await client.send(Self.get)
                    try await eventually {
                        let refused = server.metric("spillway_http_refusals_total{reason=\"connections\"}") ?? 0
                        return began.value + Int(refused) == number
                    }
                    withExtendedLifetime(client) {}
                }
                try await eventually { server.metric("spillway_http_connections") == 0 }
            }
            #expect(began.value == 4 && server.server.connectionCount == 4)
            gate.open()
            try await eventually { server.server.connectionCount == 0 }
            // Each place is there again, once.
            let clients = try (0..<4).map { _ in try server.client() }
            for client in clients {
                try await client.send(Self.get)
                #expect(try await client.response().body == "root")
            }
            #expect(try await server.client().receiveAll().hasPrefix("HTTP/1.1 503 "))
            withExtendedLifetime(clients) {}
        }
    }

    @Test func connectionsFromOneAddressAreLimitedExceptLoopbackAndProxies() throws {
        let proxies = try TrustedProxies(parsing: ["10.0.0.1"])
        let limiter = ConnectionLimiter(maximum: 100, maximumPerAddress: 2, exempt: proxies)
        let one = try #require(ClientAddress("192.0.2.1"))
        let other = try #require(ClientAddress("192.0.2.2"))
        #expect(limiter.enter(one) == nil && limiter.enter(one) == nil)
        #expect(limiter.enter(one)?.reason == .connectionsPerAddress)
        #expect(limiter.enter(other) == nil)
        limiter.leave(one)
        #expect(limiter.enter(one) == nil)
        for exempt in ["127.0.0.1", "::1", "10.0.0.1"] {
            let address = try #require(ClientAddress(exempt))
            for _ in 0..<5 { #expect(limiter.enter(address) == nil) }
        }
        #expect(limiter.count == 18)
    }

    @Test func shutdownLetsRequestsFinishAndClosesIdleConnections() async throws {
        let gate = TestGate()
        let loop = try EventLoop(name: "drain")
        defer { loop.shutdown() }
        var router = HTTPRouter()
        router.on(.get, "/slow") { _ in
            await gate.wait()
            return .text("done")
        }
        let server = try HTTPServer(configuration: .init(port: 0), router: router, loops: [loop])
        let port = try await server.listen().port
        let idle = try HTTPTestClient(port: port)
        let busy = try HTTPTestClient(port: port)
        try await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        try await eventually { gate.waiters == 1 && server.connectionCount == 2 }
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        group.triggerGracefulShutdown()
        #expect(try await idle.receiveAll() == "")
        try await eventually { (try? HTTPTestClient(port: port)) == nil }
        gate.open()
        let answer = try await busy.receiveAll()
        #expect(answer.contains("Connection: close\r\n") && answer.hasSuffix("done"))
        try await running.value
    }

    @Test func shutdownDoesNotWaitForAReaderThatHasAllAndStays() async throws {
        // More than the kernel takes of it while nobody reads.
        let count = 16 << 20
        let loop = try EventLoop(name: "reader")
        defer { loop.shutdown() }
        var router = HTTPRouter()
        router.on(.get, "/") { _ in HTTPResponse(body: [UInt8](repeating: 120, count: count)) }
        var configuration = HTTPServerConfiguration(port: 0)
        // Far more than a client here waits for anything.
        configuration.drainTimeout = .seconds(3_600)
        let metrics = MetricsRegistry()
        let server = try HTTPServer(configuration: configuration, router: router, loops: [loop], metrics: metrics)
        let port = try await server.listen().port
        let client = try HTTPTestClient(port: port, receiveBuffer: 64 << 10)
        try await client.send(Self.get)
        let view = HTTPTestServer(port: port, server: server, metrics: metrics)
        try await eventually { (view.metric("spillway_http_sent_bytes_total") ?? 0) > Double(count) }
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        group.triggerGracefulShutdown()
        try await eventually { (try? HTTPTestClient(port: port)) == nil }
        // The answer had begun before, so it does not say that the connection ends; but it does.
        let answer = try await client.receiveAll()
        #expect(!answer.contains("Connection: close") && answer.utf8.count > count)
        try await running.value
        // Until here.
        client.endSending()
    }

    @Test func halfARequestDoesNotMakeShutdownUnclean() async throws {
        let loop = try EventLoop(name: "half")
        defer { loop.shutdown() }
        var configuration = HTTPServerConfiguration(port: 0)
        configuration.drainTimeout = .milliseconds(200)
        let server = try HTTPServer(configuration: configuration, router: HTTPRouter(), loops: [loop])
        let client = try HTTPTestClient(port: try await server.listen().port)
        try await client.send("GET / HTTP/1.1\r\nHo")
        try await eventually { server.connectionCount == 1 }
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        group.triggerGracefulShutdown()
        _ = try await client.receiveAll()
        try await running.value
    }

    @Test func shutdownEndsAtItsDeadline() async throws {
        let gate = TestGate()
        let loop = try EventLoop(name: "deadline")
        defer { loop.shutdown() }
        var router = HTTPRouter()
        router.on(.get, "/") { _ in
            await gate.wait()
            return .text("late")
        }
        var configuration = HTTPServerConfiguration(port: 0)
        configuration.drainTimeout = .milliseconds(100)
        let server = try HTTPServer(configuration: configuration, router: router, loops: [loop])
        let client = try HTTPTestClient(port: try await server.listen().port)
        try await client.send(Self.get)
        try await eventually { gate.waiters == 1 }
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        group.triggerGracefulShutdown()
        #expect(try await client.receiveAll() == "")
        await #expect(throws: (any Error).self) { try await running.value }
        gate.open()
    }
}
