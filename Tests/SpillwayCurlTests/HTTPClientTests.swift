import SpillwayCore
import SpillwayHTTP
import Synchronization
import Testing

@testable import SpillwayCurl

@Suite(.serialized) struct HTTPClientTests {
    /// The requests that hang.
    private final class Hanging: Sendable {
        let count = Mutex(0)
    }

    private let hanging = Hanging()

    private func eventually(_ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while !condition() {
            try #require(ContinuousClock.now < deadline, "the condition did not come true in ten seconds")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    /// Runs the body with the address of a server that answers with what it was sent.
    private func withEcho<Result: Sendable>(
        _ body: @escaping @Sendable (_ url: String) async throws -> Result
    ) async throws -> Result {
        let loop = try EventLoop(name: "test-echo")
        defer { loop.shutdown() }
        var router = HTTPRouter(logger: Logger(label: "test"))
        router.on(.post, "/echo") { request in
            .text(
                "\(request.header(HTTPFieldName("x-note")) ?? "none"): \(String(decoding: request.body, as: UTF8.self))"
            )
        }
        router.on(.get, "/hang") { [hanging] _ in
            hanging.count.withLock { $0 += 1 }
            try await Task.sleep(for: .seconds(3_600))
            return .text("never")
        }
        var configuration = HTTPServerConfiguration(port: 0)
        configuration.drainTimeout = .zero
        configuration.requestTimeout = .seconds(3_600)
        let server = try HTTPServer(configuration: configuration, router: router, loops: [loop])
        let port = try await server.listen().port
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            return try await body("http://127.0.0.1:\(port)")
        }
    }

    private func code(_ body: () async throws -> Void) async -> HTTPClientError.Code? {
        do { try await body() } catch { return (error as? HTTPClientError)?.code }
        return nil
    }

    @Test func aRequestBringsItsBodyAndHeadersThereAndTheAnswerBack() async throws {
        try await withEcho { url in
            let client = try HTTPClient(url: url + "/echo", connections: 2)
            defer { client.close() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        let response = try await client.send(
                            "POST", body: Array("body \(number)".utf8), headers: ["X-Note": "note \(number)"])
                        #expect(response.status == 200)
                        #expect(String(decoding: response.body, as: UTF8.self) == "note \(number): body \(number)")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.send("GET").status == 405)
        }
    }

    @Test func aCancelledTaskDoesNotWaitForTheAnswer() async throws {
        try await withEcho { url in
            let client = try HTTPClient(url: url + "/hang", connections: 1)
            defer { client.close() }
            let task = Task { try await client.send("GET", timeout: .seconds(3_000)) }
            task.cancel()
            await #expect(throws: CancellationError.self) { _ = try await task.value }
        }
    }

    @Test(arguments: [true, false]) func aCancelledTaskDoesNotWaitForAThread(isQueued: Bool) async throws {
        try await withEcho { url in
            let client = try HTTPClient(url: url + "/hang", connections: 1)
            defer { client.close() }
            let first = Task { try await client.send("GET", timeout: .seconds(20)) }
            try await eventually { hanging.count.withLock { $0 } == 1 }
            let second = Task { try await client.send("GET", timeout: .seconds(20)) }
            if isQueued { try await eventually { client.waitingCount == 1 } }
            let begin = ContinuousClock.now
            second.cancel()
            await #expect(throws: CancellationError.self) { _ = try await second.value }
            #expect(ContinuousClock.now - begin < .seconds(2))
            first.cancel()
            await #expect(throws: CancellationError.self) { _ = try await first.value }
            // The thread passes over what was cancelled, and goes on.
            #expect(await code { _ = try await client.send("GET", timeout: .milliseconds(50)) } == .noAnswer)
            #expect(client.waitingCount == 0)
        }
    }

    @Test func whatIsNotAnsweredInTimeFails() async throws {
        try await withEcho { url in
            let client = try HTTPClient(url: url + "/hang", connections: 1)
            defer { client.close() }
            #expect(await code { _ = try await client.send("GET", timeout: .milliseconds(50)) } == .noAnswer)
        }
    }

    @Test func aPortThatNobodyListensOnIsNoAnswer() async throws {
        let client = try HTTPClient(url: "http://127.0.0.1:9")
        #expect(await code { _ = try await client.send("POST", body: []) } == .noAnswer)
        client.close()
        #expect(await code { _ = try await client.send("POST", body: []) } == .closed)
    }

    @Test func aHeaderCanNotSmuggleAnother() async throws {
        let client = try HTTPClient(url: "http://127.0.0.1:9")
        defer { client.close() }
        #expect(await code { _ = try await client.send("GET", headers: ["A": "b\r\nC: d"]) } == .invalidRequest)
        #expect(await code { _ = try await client.send("GET /x HTTP/1.1\r\n") } == .invalidRequest)
        #expect(await code { _ = try HTTPClient(url: "file:///etc/passwd") } == .invalidRequest)
        #expect(await code { _ = try HTTPClient(url: "http://127.0.0.1", connections: 0) } == .invalidRequest)
    }
}
