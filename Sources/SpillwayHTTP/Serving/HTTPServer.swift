public import SpillwayCore
internal import Synchronization

/// An HTTP/1.1 server on event loops.
///
/// A request's handler runs as a task on the loop of its connection, and starts in the very callback that brought the
/// request's last byte. Everything that a client can make grow has a bound in the configuration; what goes beyond it, or
/// is not plain HTTP/1.1, is refused as a ``Problem`` and the connection is closed.
///
/// Graceful shutdown stops accepting, closes idle connections, lets requests finish (their answers say
/// `Connection: close`), ends event streams, and after ``HTTPServerConfiguration/drainTimeout`` cuts off what is left.
public final class HTTPServer: Service, Sendable {
    private struct State {
        var address: SocketAddress?
    }

    private let shared: HTTPServerShared
    private let loops: [HTTPServerLoop]
    private let state = Mutex(State())

    /// Makes a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: where it listens, and its bounds.
    ///   - router: what answers; its routes and middleware are fixed from here on, but see ``use(_:)``.
    ///   - loops: where connections live; on two processors one is best. With more than one each has its own listening
    ///     socket on the same port.
    ///   - metrics: where the server's metrics are registered.
    ///   - logger: hears where the server listens and what fails in it.
    /// - Throws: `MetricsError` when the registry has metrics of the same names and other shapes.
    public convenience init(
        configuration: HTTPServerConfiguration, router: HTTPRouter, loops: [EventLoop],
        metrics: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "http")
    ) throws {
        try self.init(
            configuration: configuration, router: router, loops: loops, transport: nil, metrics: metrics, logger: logger
        )
    }

    /// As above, with what encrypts the connections.
    package init(
        configuration: HTTPServerConfiguration, router: HTTPRouter, loops: [EventLoop],
        transport: (any ConnectionTransportFactory)?, metrics: MetricsRegistry, logger: Logger
    ) throws {
        precondition(!loops.isEmpty, "a server needs a loop")
        let shared = HTTPServerShared(
            configuration: configuration, transport: transport, metrics: try HTTPServerMetrics(registry: metrics),
            limiter: ConnectionLimiter(
                maximum: configuration.maximumConnections,
                maximumPerAddress: configuration.maximumConnectionsPerAddress, exempt: configuration.trustedProxies),
            budget: BodyBudget(maximum: configuration.maximumBufferedBodyBytes), logger: logger)
        self.shared = shared
        self.loops = loops.map { HTTPServerLoop(loop: $0, shared: shared, router: router) }
    }

    /// The number of open connections, and of closed ones whose last request is still being handled.
    public var connectionCount: Int { shared.limiter.count }

    /// Starts to listen, unless it does already; ``run()`` does it too.
    ///
    /// - Returns: The address, with the port that was picked if the configured one is 0.
    /// - Throws: `EventLoopError` when the address can't be listened on.
    @discardableResult
    public func listen() async throws -> SocketAddress {
        if let address = state.withLock({ $0.address }) { return address }
        var address = try SocketAddress(host: shared.configuration.host, port: shared.configuration.port)
        let reusePort = loops.count > 1
        if reusePort, address.port != 0 {
            // Sockets that share a port also share it with another server's; one that does not share finds that out.
            let (first, wanted) = (loops[0], address)
            try await first.loop.run { try first.requireFree(wanted) }
        }
        for serverLoop in loops {
            let wanted = address
            address = try await serverLoop.loop.run { try serverLoop.listen(wanted, reusePort: reusePort) }
        }
        let bound = address
        state.withLock { $0.address = bound }
        return bound
    }

    /// Has this router answer in place of the first one, which must have no routes: for a server that listens before what
    /// its routes need is there. A request whose head came before is still answered by
    /// ``HTTPRouter/otherwise(maximumBodyBytes:handler:)`` of the first.
    public func use(_ router: HTTPRouter) async throws {
        for serverLoop in loops { try await serverLoop.loop.run { serverLoop.use(router) } }
    }

    /// Serves until graceful shutdown is asked for or the task is cancelled, then drains.
    ///
    /// - Throws: `EventLoopError` when the address can't be listened on; ``HTTPServerError`` when requests had to be
    ///   cut off at the end.
    public func run() async throws {
        let address = try await listen()
        shared.logger.info("listening", metadata: ["address": "\(address)"])
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        await withTaskCancellationOrGracefulShutdownHandler {
            for await _ in stream {}
        } onCancelOrGracefulShutdown: {
            continuation.finish()
        }
        let time = Task.isCancelled ? Duration.zero : shared.configuration.drainTimeout
        guard await drain(within: time) || Task.isCancelled else {
            throw HTTPServerError(
                .drainDeadlinePassed, "requests were cut off: they had not ended within the \(time) of the drain")
        }
    }

    private func drain(within time: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            for serverLoop in loops {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        serverLoop.loop.execute {
                            serverLoop.drain(within: time) { continuation.resume(returning: $0) }
                        }
                    }
                }
            }
            return await group.reduce(true) { $0 && $1 }
        }
    }
}
