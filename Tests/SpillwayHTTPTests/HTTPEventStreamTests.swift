import SpillwayCore
import Synchronization
import Testing

@testable import SpillwayHTTP

@Suite struct HTTPEventStreamTests {
    private static let get = "GET /events HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func eventsArriveAndTheStreamEndsWithItsClosure() async throws {
        try await HTTPTestServer.run { _, router in
            router.on(.get, "/events") { _ in
                .events { events in
                    for number in 0..<3 {
                        try events.send(ServerSentEvent(name: "n", id: "\(number)", data: Array("a\nb\(number)".utf8)))
                        try await Task.sleep(for: .milliseconds(2))
                    }
                }
            }
        } _: { server in
            let client = try server.client()
            try await client.send(Self.get)
            let all = try await client.receiveAll()
            #expect(all.contains("Content-Type: text/event-stream\r\n") && all.contains("Connection: close\r\n"))
            #expect(!all.contains("Content-Length"))
            let events = (0..<3).map { "event: n\nid: \($0)\ndata: a\ndata: b\($0)\n\n" }.joined()
            #expect(all.hasSuffix("\r\n\r\n" + events))
            try await client.server(gone: server)
            // Without a body, the closure does not run.
            let head = try server.client()
            try await head.send("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await head.response(toHead: true).fields["content-type"] == "text/event-stream")
        }
    }

    @Test func heartbeatsKeepAQuietStreamAndAClientThatLeavesCancelsIt() async throws {
        let cancelled = TestCount()
        try await HTTPTestServer.run { _, router in
            router.on(.get, "/events") { _ in
                .events(.init(heartbeat: .milliseconds(20))) { _ in
                    do {
                        try await Task.sleep(for: .seconds(3600))
                    } catch {
                        cancelled.add()
                    }
                }
            }
        } _: { server in
            let client = try server.client()
            try await client.send(Self.get)
            _ = try await client.receive(until: ":\n\n:\n\n")
            #expect(server.metric("spillway_http_event_streams") == 1)
            client.endSending()
            try await eventually { cancelled.value == 1 && server.server.connectionCount == 0 }
            #expect(server.metric("spillway_http_event_streams") == 0)
        }
    }

    @Test func aSlowReaderIsBoundedAndThenClosed() async throws {
        let sent = TestCount()
        try await HTTPTestServer.run { _, router in
            router.on(.get, "/events") { _ in
                .events(.init(maximumQueuedEvents: 50)) { events in
                    while true {
                        try events.send(ServerSentEvent(data: [UInt8](repeating: 120, count: 4096)))
                        sent.add()
                        await Task.yield()
                    }
                }
            }
        } _: { server in
            let client = try server.client(receiveBuffer: 4096)
            try await client.send(Self.get)
            try await eventually { server.server.connectionCount == 0 }
            // What the kernel's buffers hold, and little more.
            #expect(sent.value < 4000)
        }
    }

    /// The time in which a reader must have taken what was written begins anew each time that it has.
    @Test func aSteadyReaderThatIsAlwaysBehindIsNotCutOff() async throws {
        try await HTTPTestServer.run { configuration, router in
            configuration.requestTimeout = .seconds(2)
            router.on(.get, "/events") { _ in
                // More than the kernel takes at a time, and sent faster than it is read, so that there is always something
                // behind. One that never waits would have the loop, and the reader's time would pass without a write.
                .events(.init(maximumQueuedBytes: 16 << 20, overflow: .dropOldest)) { events in
                    let event = ServerSentEvent(data: [UInt8](repeating: 120, count: 128 << 10))
                    while true {
                        try events.send(event)
                        try await Task.sleep(for: .milliseconds(2))
                    }
                }
            }
        } _: { server in
            let client = try server.client()
            try await client.send(Self.get)
            let end = ContinuousClock.now + .seconds(6)
            while ContinuousClock.now < end {
                try #require(try await !client.receive().isEmpty, "cut off")
                try await Task.sleep(for: .milliseconds(8))
            }
            #expect(server.metric("spillway_http_event_streams") == 1)
        }
    }

    @Test func aSlowReaderSeesTheNewestOfEachKey() async throws {
        let last = 2000
        let isSent = TestCount()
        try await HTTPTestServer.run { _, router in
            router.on(.get, "/events") { _ in
                .events(.init(maximumQueuedEvents: 4)) { events in
                    for number in 0...last {
                        let text = "\(number)" + String(repeating: "x", count: 8000)
                        for key in ["a", "b"] {
                            try events.send(ServerSentEvent(name: key, data: Array(text.utf8), coalescingKey: key))
                        }
                        await Task.yield()
                    }
                    try events.send(ServerSentEvent(name: "end", data: []))
                    isSent.add()
                }
            }
        } _: { server in
            let client = try server.client(receiveBuffer: 4096)
            try await client.send(Self.get)
            // It reads only when everything has been sent, thirty megabytes, of which the kernel holds a few.
            try await eventually { isSent.value == 1 }
            var previous = ["a": -1, "b": -1]
            var count = 0
            let all = try await client.receiveAll()
            for event in all.split(separator: "event: ").dropFirst() where !event.hasPrefix("end") {
                let key = String(event.prefix(1))
                let number = try #require(Int(event.dropFirst(8).prefix { $0.isNumber }))
                #expect(number > previous[key, default: -1], "backwards")
                previous[key] = number
                count += 1
            }
            #expect(previous == ["a": last, "b": last])
            #expect(count < 2 * last, "nothing was coalesced")
        }
    }

    @Test func shutdownEndsStreams() async throws {
        let loop = try EventLoop(name: "stream")
        defer { loop.shutdown() }
        var router = HTTPRouter()
        router.on(.get, "/events") { _ in
            .events { events in
                try events.send(ServerSentEvent(data: Array("one".utf8)))
                try await Task.sleep(for: .seconds(3600))
            }
        }
        let server = try HTTPServer(configuration: .init(port: 0), router: router, loops: [loop])
        let client = try HTTPTestClient(port: try await server.listen().port)
        try await client.send(Self.get)
        _ = try await client.receive(until: "data: one\n\n")
        let group = ServiceGroup(services: [server], logger: Logger(label: "test"))
        let running = Task { try await group.run() }
        group.triggerGracefulShutdown()
        #expect(try await client.receiveAll() == "")
        try await running.value
    }

    @Test func theQueueReplacesDropsOrEnds() {
        func event(_ text: String, key: String? = nil) -> ServerSentEvent {
            ServerSentEvent(data: Array(text.utf8), coalescingKey: key)
        }
        var queue = EventQueue(options: .init(maximumQueuedEvents: 2, overflow: .dropOldest))
        _ = queue.push(event("1", key: "k"))
        _ = queue.push(event("2"))
        guard case .replaced = queue.push(event("3", key: "k")) else { return #expect(Bool(false), "not replaced") }
        guard case .dropped(1) = queue.push(event("4")) else { return #expect(Bool(false), "not dropped") }
        #expect(queue.pop() == Array("data: 2\n\n".utf8) && queue.pop() == Array("data: 4\n\n".utf8))
        #expect(queue.isEmpty && queue.byteCount == 0)
        var bounded = EventQueue(options: .init(maximumQueuedBytes: 20))
        _ = bounded.push(event("1234"))
        guard case .full = bounded.push(event("12345")) else { return #expect(Bool(false), "not full") }
    }
}

extension HTTPTestClient {
    /// Waits until the server has closed this connection too.
    fileprivate func server(gone server: HTTPTestServer) async throws {
        try await eventually { server.server.connectionCount == 0 }
    }
}
