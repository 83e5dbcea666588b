import SpillwayCore
import SpillwayHTTP

/// Serves the routes on a free port, and runs the body on a thread that may block.
func withServer<Result: Sendable>(
    _ configure: (inout HTTPRouter) -> Void, _ body: @escaping @Sendable (_ url: String) throws -> Result
) async throws -> Result {
    let loop = try EventLoop(name: "test-http")
    let executor = BlockingExecutor(name: "test-command", threads: 1)
    defer {
        loop.shutdown()
        executor.shutdown()
    }
    var router = HTTPRouter()
    configure(&router)
    let server = try HTTPServer(
        configuration: HTTPServerConfiguration(port: 0), router: router, loops: [loop])
    let port = try await server.listen().port
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        defer { group.cancelAll() }
        return try await executor.run { try body("http://127.0.0.1:\(port)") }
    }
}
