internal import SpillwayCore

/// What all loops of a server share; nothing in it changes.
struct HTTPServerShared: Sendable {
    let configuration: HTTPServerConfiguration
    let transport: (any ConnectionTransportFactory)?
    let metrics: HTTPServerMetrics
    let limiter: ConnectionLimiter
    let budget: BodyBudget
    let logger: Logger
}

/// The part of a server that runs on one loop: its listening socket and its connections.
final class HTTPServerLoop: @unchecked Sendable {
    // Unchecked: `loop` and `shared` never change, all else is touched on the loop's thread only.

    /// How long the last answer is protected from a reset by a client that still sends.
    static let lingerMs: UInt64 = 2_000

    let loop: EventLoop
    let shared: HTTPServerShared
    let idleMs: UInt64
    let requestMs: UInt64
    private(set) var isDraining = false
    /// What finds the routes of requests; see ``use(_:)``.
    private(set) var router: HTTPRouter
    private(set) var responder: HTTPResponder

    private var listener: TCPListener?
    private var connections: [HTTPConnection] = []
    private var scratch: [UInt8] = []
    private let date = HTTPDate()
    /// By the router's patterns.
    private var routes: [HTTPRouteMetrics]
    private var unmatched: HTTPRouteMetrics
    private var whenEmpty: ((_ inTime: Bool) -> Void)?

    init(loop: EventLoop, shared: HTTPServerShared, router: HTTPRouter) {
        self.loop = loop
        self.shared = shared
        self.router = router
        responder = router.responder()
        idleMs = Self.milliseconds(shared.configuration.idleTimeout)
        requestMs = Self.milliseconds(shared.configuration.requestTimeout)
        routes = Self.metrics(of: router, shared)
        unmatched = HTTPRouteMetrics(route: "none", metrics: shared.metrics)
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        max(1, EventLoop.milliseconds(duration))
    }

    private static func metrics(of router: HTTPRouter, _ shared: HTTPServerShared) -> [HTTPRouteMetrics] {
        router.patterns.map { HTTPRouteMetrics(route: $0, metrics: shared.metrics) }
    }

    /// Has this router take the requests whose heads end from here on. One that was matched before keeps its handler; the
    /// router before must have had no routes, since their numbers are of no meaning in this one.
    func use(_ router: HTTPRouter) {
        precondition(routes.isEmpty, "a router with routes can't be replaced")
        self.router = router
        responder = router.responder()
        routes = Self.metrics(of: router, shared)
    }

    /// Throws if somebody listens there.
    func requireFree(_ address: SocketAddress) throws {
        try TCPListener(loop: loop, address: address) { $0.close() }.close()
    }

    /// Starts to listen; returns where.
    func listen(_ address: SocketAddress, reusePort: Bool) throws -> SocketAddress {
        let listener = try TCPListener(loop: loop, address: address, reusePort: reusePort) { [self] in accept($0) }
        self.listener = listener
        return try listener.localAddress()
    }

    // MARK: Connections

    private func accept(_ tcp: TCPConnection) {
        // A client that has gone already has no address.
        guard let address = tcp.peerAddress() else { return }
        let peer = ClientAddress(high: address.high, low: address.low)
        shared.metrics.accepted.increment()
        if let refusal = shared.limiter.enter(peer) {
            turnAway(tcp, refusal)
            return
        }
        do {
            let transport = try shared.transport?.makeTransport()
            add(HTTPConnection(tcp: tcp, peer: peer, transport: transport, server: self))
        } catch {
            shared.limiter.leave(peer)
            shared.logger.error("no TLS for a connection", metadata: ["error": "\(error)"])
        }
    }

    private func add(_ connection: HTTPConnection) {
        connection.index = connections.count
        connections.append(connection)
        shared.metrics.connections.increment()
        connection.tcp.setDelegate(connection)
        connection.tcp.startReading()
        check(connection, afterMs: min(idleMs, requestMs))
    }

    /// One write that the kernel takes at once, then the end; no connection is made of it.
    private func turnAway(_ tcp: TCPConnection, _ refusal: HTTPRefusal) {
        shared.metrics.refused(refusal.reason)
        if shared.transport == nil {
            withScratch { bytes, date in
                HTTPResponseEncoder.encode(
                    refusal.problem.response, isHead: false, persistence: .close, date: date, into: &bytes)
                unsafe bytes.withUnsafeBytes { unsafe tcp.write($0) }
            }
        }
        tcp.close()
    }

    /// A connection is closed; its place is its own to give back.
    func removed(_ connection: HTTPConnection) {
        let last = connections.removeLast()
        if last !== connection {
            last.index = connection.index
            connections[last.index] = last
        }
        if connection.stream != nil { shared.metrics.eventStreams.decrement() }
        shared.metrics.connections.decrement()
        if isDraining && connections.isEmpty { finishDraining(inTime: true) }
    }

    /// Looks at a connection's deadline later on. A deadline that moved meanwhile costs one more look, and moving it
    /// costs nothing; none is set that lies nearer than the next look.
    func check(_ connection: HTTPConnection, afterMs delay: UInt64) {
        loop.schedule(after: .milliseconds(Int64(delay))) { [weak self, weak connection] in
            guard let self, let connection, !connection.tcp.isClosed else { return }
            let now = loop.nowMilliseconds
            if connection.deadline <= now { connection.timedOut() }
            if connection.tcp.isClosed { return }
            let longest = min(idleMs, requestMs)
            check(connection, afterMs: connection.deadline > now ? min(longest, connection.deadline - now) : longest)
        }
    }

    // MARK: What connections share

    /// Lends the loop's buffer for one response, with the present date.
    func withScratch(_ body: (inout [UInt8], HTTPDate) -> Void) {
        date.refresh(loopMs: loop.nowMilliseconds)
        var bytes: [UInt8] = []
        swap(&bytes, &scratch)
        body(&bytes, date)
        bytes.removeAll(keepingCapacity: bytes.capacity <= 256 << 10)
        swap(&bytes, &scratch)
    }

    /// Counts an answer.
    func answered(_ match: HTTPRouteMatch, _ status: HTTPStatus, nanoseconds: UInt64) {
        if let route = match.route {
            routes[route.patternIndex].answered(status, nanoseconds: nanoseconds, metrics: shared.metrics)
        } else {
            unmatched.answered(status, nanoseconds: nanoseconds, metrics: shared.metrics)
        }
    }

    /// Counts an event stream that has ended.
    func streamEnded(_ match: HTTPRouteMatch, _ status: HTTPStatus, droppedEvents: Int) {
        shared.metrics.droppedEvents.increment(by: Int64(droppedEvents))
        if let route = match.route {
            routes[route.patternIndex].answered(status, nanoseconds: nil, metrics: shared.metrics)
        }
    }

    // MARK: Shutdown

    /// Stops to accept, closes what is idle, lets the others finish.
    ///
    /// - Parameter whenEmpty: called on the loop once the last connection is closed, or when the time is over.
    func drain(within time: Duration, whenEmpty: @escaping (_ inTime: Bool) -> Void) {
        isDraining = true
        listener?.close()
        listener = nil
        self.whenEmpty = whenEmpty
        for connection in connections { connection.drain(withinMs: Self.milliseconds(time)) }
        if connections.isEmpty {
            finishDraining(inTime: true)
            return
        }
        loop.schedule(after: time) { [self] in
            if self.whenEmpty == nil { return }
            // A client that sends or reads slowly is no reason to call the shutdown unclean.
            let isAnswering = connections.contains { $0.isAnswering }
            for connection in connections { connection.abort() }
            finishDraining(inTime: !isAnswering)
        }
    }

    private func finishDraining(inTime: Bool) {
        let whenEmpty = self.whenEmpty
        self.whenEmpty = nil
        whenEmpty?(inTime)
    }
}
