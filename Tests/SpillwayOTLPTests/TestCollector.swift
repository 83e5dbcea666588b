import FoundationEssentials
import SpillwayCore
import SpillwayHTTP
import SpillwayOTLP
import Synchronization
import Testing

/// A collector on a free port, which answers as it is told.
final class TestCollector: Sendable {
    struct Received: Decodable, Sendable {
        struct Resource: Decodable { var scopeSpans: [Scope] }
        struct Scope: Decodable { var spans: [Span] }
        struct Span: Decodable, Sendable {
            var name: String
            var spanId: String
        }
        var resourceSpans: [Resource]
    }

    struct State {
        /// How the next requests are answered; after the last, 200.
        var answers: [HTTPResponse] = []
        /// The names of the spans of each request, also of those that were refused.
        var requests: [[String]] = []
        /// The names of the spans that were taken.
        var taken: [String] = []
        var headers: [[String?]] = []
        /// Requests wait for it before they are answered.
        var isHanging = false
        var hanging: [CheckedContinuation<Void, Never>] = []
    }

    let state: Mutex<State>
    let metrics = MetricsRegistry()

    init(answers: [HTTPResponse] = []) { state = Mutex(State(answers: answers)) }

    var taken: [String] { state.withLock { $0.taken } }
    var requests: [[String]] { state.withLock { $0.requests } }

    /// Lets requests wait until ``release()``.
    func hang() { state.withLock { $0.isHanging = true } }

    /// Answers what waits.
    func release() {
        let hanging = state.withLock { state in
            state.isHanging = false
            defer { state.hanging = [] }
            return state.hanging
        }
        for continuation in hanging { continuation.resume() }
    }

    /// The value of an exporter's metric, by the beginning of its line.
    func metric(_ name: String) -> Int {
        for line in String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix(name + " "), let value = line.split(separator: " ").last { return Int(value) ?? -1 }
        }
        return -1
    }

    private func answer(_ request: HTTPRequest) async throws -> HTTPResponse {
        let body = try JSONDecoder().decode(Received.self, from: Data(request.body))
        let names = body.resourceSpans.flatMap(\.scopeSpans).flatMap(\.spans).map(\.name)
        state.withLock { state in
            state.requests.append(names)
            state.headers.append([request.header(.contentType), request.header(HTTPFieldName("api-key"))])
        }
        await withCheckedContinuation { continuation in
            let hangs = state.withLock { state in
                if state.isHanging { state.hanging.append(continuation) }
                return state.isHanging
            }
            if !hangs { continuation.resume() }
        }
        return state.withLock { state in
            let answer = state.answers.isEmpty ? .json(Array("{}".utf8)) : state.answers.removeFirst()
            if answer.status == .ok { state.taken += names }
            return answer
        }
    }

    /// Runs the body with the collector's address.
    func run<Result: Sendable>(_ body: @escaping @Sendable (_ url: String) async throws -> Result) async throws
        -> Result
    {
        let loop = try EventLoop(name: "test-collector")
        defer { loop.shutdown() }
        var router = HTTPRouter(logger: Logger(label: "test"))
        router.on(.post, "/v1/traces", maximumBodyBytes: 16 << 20) { try await self.answer($0) }
        var configuration = HTTPServerConfiguration(port: 0)
        configuration.drainTimeout = .zero
        // Who hangs does so until the exporter's own limits end it.
        configuration.requestTimeout = .seconds(3_600)
        let server = try HTTPServer(configuration: configuration, router: router, loops: [loop])
        let port = try await server.listen().port
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer {
                self.release()
                group.cancelAll()
            }
            return try await body("http://127.0.0.1:\(port)")
        }
    }

    /// Runs the body beside an exporter to this collector, then shuts that down gracefully and waits for it.
    func export(
        _ configure: @escaping @Sendable (inout OTLPConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (OTLPSpanExporter) async throws -> Void
    ) async throws {
        try await run { url in
            let exporter = try self.exporter(url, configure)
            let group = ServiceGroup(services: [exporter], logger: Self.quiet)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                do {
                    try await body(exporter)
                } catch {
                    tasks.cancelAll()
                    throw error
                }
                group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    /// An exporter that waits for nothing longer than a test can.
    func exporter(_ url: String, _ configure: (inout OTLPConfiguration) -> Void) throws -> OTLPSpanExporter {
        var configuration = OTLPConfiguration(endpoint: url)
        configuration.interval = .milliseconds(5)
        configuration.backoff = .milliseconds(1)
        configuration.maxBackoff = .milliseconds(5)
        configuration.shutdownTimeout = .seconds(30)
        configure(&configuration)
        return try OTLPSpanExporter(configuration, metrics: metrics, logger: Self.quiet)
    }

    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}

/// Waits for a condition, up to a minute: the machine may be busy.
func eventually(_ condition: () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
        try #require(ContinuousClock.now < deadline, "did not happen within a minute")
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Ends spans of these names.
func end(_ names: some Sequence<String>, on exporter: OTLPSpanExporter) {
    let tracer = Tracer(exporter: exporter, sampler: TraceSampler(ratio: 1))
    for name in names { tracer.startSpan(name, context: nil).end() }
}
