import SpillwayCore
import Synchronization
import Testing

@testable import SpillwayHTTP

/// A server on a free port for the time of one test.
struct HTTPTestServer {
    let port: UInt16
    let server: HTTPServer
    let metrics: MetricsRegistry

    func client(receiveBuffer: Int32? = nil) throws -> HTTPTestClient {
        try HTTPTestClient(port: port, receiveBuffer: receiveBuffer)
    }

    /// The value of a metric by the beginning of its line.
    func metric(_ line: String) -> Double? {
        for text in String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n") {
            if text.hasPrefix(line), let value = text.split(separator: " ").last { return Double(value) }
        }
        return nil
    }

    /// Runs the body against a server, then shuts it down gracefully.
    static func run(
        transport: (any ConnectionTransportFactory)? = nil,
        _ configure: (inout HTTPServerConfiguration, inout HTTPRouter) -> Void,
        _ body: @escaping @Sendable (HTTPTestServer) async throws -> Void
    ) async throws {
        let loop = try EventLoop(name: "test-http")
        defer { loop.shutdown() }
        var configuration = HTTPServerConfiguration(port: 0)
        var router = HTTPRouter()
        configure(&configuration, &router)
        let metrics = MetricsRegistry()
        let server = try HTTPServer(
            configuration: configuration, router: router, loops: [loop], transport: transport, metrics: metrics,
            logger: Logger(label: "http"))
        let port = try await server.listen().port
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            try await body(HTTPTestServer(port: port, server: server, metrics: metrics))
        }
        // Those that were cut off are closed in the loop's next turn.
        try await eventually { server.connectionCount == 0 }
    }
}

/// Waits for a condition, at most thirty seconds.
func eventually(_ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("the condition did not come true in thirty seconds")
            return
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A count that tests and handlers share.
final class TestCount: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.wrappingAdd(1, ordering: .relaxed) }
}

/// A gate that handlers wait at until a test opens it.
final class TestGate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            let waiting = state.waiting
            state.waiting = []
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    var waiters: Int { state.withLock { $0.waiting.count } }
}
