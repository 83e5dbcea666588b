internal import CLibuv
internal import SpillwayCore
internal import Synchronization

/// One client's connection: its socket, its transport, its state machine, and the task that answers the present request.
final class HTTPConnection: TCPConnectionDelegate, @unchecked Sendable {
    // Unchecked: touched on its loop's thread only. Tasks that answer run there too, and where one of them goes on
    // after the loop has stopped it finds that out first.

    /// How much of what the transport itself says (alerts, tickets) may wait for the kernel.
    private static let maximumUnreadTransportBytes = 256 << 10

    let tcp: TCPConnection
    let server: HTTPServerLoop
    /// The address at the other end.
    let peer: ClientAddress
    /// The connection's place in its loop's list.
    var index = 0
    /// When the connection must have moved on, in milliseconds of the loop's clock; `max`: never.
    var deadline: UInt64

    private let transport: (any ConnectionTransport)?
    /// The socket and the handler at work. The connection's place among the server's is given back with the last of them,
    /// so that requests whose clients have gone are bounded too. A handler may return on any thread, once the loop has
    /// stopped.
    private let placeHolders = Atomic<Int>(1)
    var machine: HTTPConnectionStateMachine
    private var task: Task<Void, Never>?
    /// The number of the present request: what answers an earlier one is dropped.
    private var requestNumber = 0
    private var receivedAt: UInt64 = 0
    private var isRunning = false
    private var isClosed = false
    /// The connection stays open after the answer that waits for the kernel; nil when none does.
    private var keepAliveAfterWrite: Bool?
    /// Nothing more may be written; what still comes is read and thrown away.
    private var hasSentEnd = false
    /// What the transport itself has said since nothing waited for the kernel.
    private var unreadTransportBytes = 0
    /// The event stream that this connection has become.
    var stream: EventStreamWriter?
    var heartbeat: EventLoopTimer?

    init(tcp: TCPConnection, peer: ClientAddress, transport: (any ConnectionTransport)?, server: HTTPServerLoop) {
        self.tcp = tcp
        self.peer = peer
        self.transport = transport
        self.server = server
        machine = HTTPConnectionStateMachine(
            parser: HTTPRequestParser(limits: server.shared.configuration.limits, budget: server.shared.budget) {
                server.router.match($0, path: $1)
            })
        deadline = server.loop.nowMilliseconds + server.idleMs
    }

    // MARK: What comes in

    func connectionDidRead(_ bytes: UnsafeRawBufferPointer) {
        server.shared.metrics.receivedBytes.increment(by: Int64(bytes.count))
        guard let transport else {
            unsafe received(bytes)
            return
        }
        var plaintext: [UInt8] = []
        var outgoing: [UInt8] = []
        do {
            try unsafe transport.receive(bytes, plaintext: &plaintext, outgoing: &outgoing)
        } catch {
            writeRaw(outgoing)
            tcp.close()
            return
        }
        writeTransport(outgoing)
        if tcp.isClosed { return }
        if !plaintext.isEmpty { unsafe plaintext.withUnsafeBytes { unsafe received($0) } }
        if transport.hasReceivedEnd { connectionDidReachEnd() }
    }

    private func received(_ bytes: UnsafeRawBufferPointer) {
        if machine.isIdle { deadline = server.loop.nowMilliseconds + server.requestMs }
        run(unsafe machine.received(bytes))
    }

    func connectionDidReachEnd() {
        if !isClosed && !machine.inputHasEnded { run(machine.inputEnded()) }
    }

    func connectionDidDrain() {
        unreadTransportBytes = 0
        if let keepAlive = keepAliveAfterWrite {
            keepAliveAfterWrite = nil
            sent(keepAlive: keepAlive)
            run(machine.proceed())
        } else if machine.phase == .streaming {
            // The reader has taken all that was written: it has its time again for what comes next.
            deadline = .max
            flushEvents()
        }
    }

    func connectionDidClose(_ error: EventLoopError?) {
        isClosed = true
        if let stream {
            stream.close()
            task?.cancel()
        }
        heartbeat?.cancel()
        task = nil
        server.removed(self)
        leave()
    }

    /// One of those who hold the connection's place is gone.
    private func leave() {
        if placeHolders.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
            server.shared.limiter.leave(peer)
        }
    }

    // MARK: What is to be done

    /// Does what the state machine says until it waits.
    private func run(_ first: HTTPConnectionStateMachine.Action) {
        if isRunning { return }
        isRunning = true
        defer { isRunning = false }
        var next: HTTPConnectionStateMachine.Action? = first
        while let action = next, !tcp.isClosed { next = perform(action) }
    }

    private func perform(_ action: HTTPConnectionStateMachine.Action) -> HTTPConnectionStateMachine.Action? {
        switch action {
        case .wait:
            return nil
        case .stopReading:
            tcp.stopReading()
            return nil
        case .handle(let request):
            start(request)
            // Most handlers are done by now, the others go on as tasks of this loop.
            return machine.phase == .receiving ? machine.proceed() : nil
        case .sendContinue:
            write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
            return machine.proceed()
        case .refuse(let refusal):
            refuse(refusal)
            return nil
        case .close:
            announceEnd()
            tcp.close()
            return nil
        }
    }

    /// The one place where a request becomes a task.
    private func start(_ request: HTTPRequest) {
        receivedAt = uv_hrtime()
        requestNumber += 1
        let number = requestNumber
        request.storage.peerAddress = peer
        request.storage.clientAddress = peer
        let proxies = server.shared.configuration.trustedProxies
        if !proxies.isEmpty && proxies.contains(peer) {
            request.storage.clientAddress = proxies.client(peer: peer, forwardedFor: request.headers(.forwardedFor))
        }
        if request.storage.match.route?.isUntimed == true { deadline = .max }
        placeHolders.add(1, ordering: .relaxed)
        let responder = server.responder
        let task = Task.immediate(executorPreference: server.loop) { [self] in
            defer { leave() }
            let response = await responder(request)
            guard isWaiting(for: number) else { return }
            if case .events(let events) = response.body, request.method != .head {
                await run(events, response, request)
            } else {
                answer(response, request)
            }
        }
        if machine.phase == .answering || machine.phase == .streaming { self.task = task }
    }

    /// Whether a handler's answer still has someone to go to.
    func isWaiting(for number: Int) -> Bool {
        server.loop.isCurrent && !isClosed && !tcp.isClosed && number == requestNumber && machine.phase == .answering
    }

    private func answer(_ response: HTTPResponse, _ request: HTTPRequest) {
        task = nil
        machine.handled()
        server.answered(request.storage.match, response.status, nanoseconds: uv_hrtime() - receivedAt)
        send(response, isHead: request.method == .head, keepAlive: machine.keepsAlive)
        if !isRunning { run(machine.proceed()) }
    }

    private func send(_ response: HTTPResponse, isHead: Bool, keepAlive: Bool) {
        server.withScratch { bytes, date in
            HTTPResponseEncoder.encode(
                response, isHead: isHead,
                persistence: keepAlive ? (machine.isHTTP10 ? .keepAlive : .implied) : .close, date: date, into: &bytes)
            write(bytes)
        }
        if tcp.pendingWriteBytes > 0 {
            // The next request waits until a slow reader has taken this answer.
            keepAliveAfterWrite = keepAlive
            deadline = server.loop.nowMilliseconds + server.requestMs
        } else {
            sent(keepAlive: keepAlive)
        }
    }

    private func sent(keepAlive: Bool) {
        if tcp.isClosed { return }
        // An answer that was begun before the shutdown, and has said that the connection stays, is the last one all the same.
        if machine.phase == .answering { machine.answered(keepAlive: keepAlive && !server.isDraining) }
        if machine.phase == .ending {
            end()
        } else {
            deadline = server.loop.nowMilliseconds + (machine.isIdle ? server.idleMs : server.requestMs)
            tcp.startReading()
        }
    }

    /// Answers in the server's own name, then ends.
    func refuse(_ refusal: HTTPRefusal) {
        requestNumber += 1
        server.shared.metrics.refused(refusal.reason)
        machine.ends()
        if let transport, !transport.isEstablished {
            tcp.close()
            return
        }
        var response = refusal.problem.response
        if let request = machine.request { server.router.finishRefusal(&response, of: request) }
        send(response, isHead: false, keepAlive: false)
    }

    /// Sends the end and throws away what still comes, within bounds, so that the answer is not lost to a reset.
    func end() {
        if tcp.isClosed { return }
        if let transport, !transport.isEstablished {
            // In the middle of a handshake message no end can be announced, and what still comes would be answered.
            tcp.close()
            return
        }
        announceEnd()
        if machine.inputHasEnded && tcp.pendingWriteBytes == 0 {
            tcp.close()
            return
        }
        hasSentEnd = true
        tcp.shutdownWriting()
        tcp.startReading()
        deadline = server.loop.nowMilliseconds + HTTPServerLoop.lingerMs
        server.check(self, afterMs: HTTPServerLoop.lingerMs)
    }

    /// Says through the transport that nothing follows, so that the other side knows that it has all.
    private func announceEnd() {
        guard let transport else { return }
        var outgoing: [UInt8] = []
        transport.close(outgoing: &outgoing)
        writeRaw(outgoing)
    }

    // MARK: Deadlines and shutdown

    /// The deadline has passed.
    func timedOut() {
        task?.cancel()
        switch machine.phase {
        case .receiving where !machine.isIdle:
            refuse(HTTPRefusal(.timeout, .requestTimeout, "the request took too long to arrive"))
        case .answering where keepAliveAfterWrite == nil:
            refuse(
                HTTPRefusal(
                    .handlerTimeout,
                    problem: .retry(
                        .serviceUnavailable, after: .seconds(1), type: "outcome-unknown",
                        detail: "the answer took too long; what was asked for may yet be done")))
        case .receiving, .answering, .streaming, .ending:
            tcp.close()
        }
    }

    /// Whether a handler is at work; cutting it off is worth an error.
    var isAnswering: Bool { machine.phase == .answering && keepAliveAfterWrite == nil }

    /// The server shuts down. What has not arrived by then has half of the time left.
    func drain(withinMs time: UInt64) {
        run(machine.drain())
        if machine.phase == .receiving && !tcp.isClosed {
            deadline = min(deadline, server.loop.nowMilliseconds + time / 2)
            server.check(self, afterMs: time / 2)
        }
        if let stream {
            stream.close()
            task?.cancel()
            flushEvents()
        }
    }

    /// The time to shut down is over.
    func abort() {
        task?.cancel()
        tcp.close()
    }

    // MARK: What goes out

    func write(_ bytes: [UInt8]) {
        if tcp.isClosed { return }
        server.shared.metrics.sentBytes.increment(by: Int64(bytes.count))
        guard let transport else {
            writeRaw(bytes)
            return
        }
        var outgoing: [UInt8] = []
        do {
            try unsafe bytes.withUnsafeBytes { try unsafe transport.send($0, outgoing: &outgoing) }
            writeRaw(outgoing)
        } catch {
            writeRaw(outgoing)
            tcp.close()
        }
    }

    /// Writes what the transport itself answers. Only a client that has it answer without end, and reads none of it, has
    /// much of that wait: answers of HTTP are not counted.
    private func writeTransport(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        writeRaw(bytes)
        if tcp.pendingWriteBytes == 0 { return }
        unreadTransportBytes += bytes.count
        if unreadTransportBytes > Self.maximumUnreadTransportBytes { tcp.close() }
    }

    private func writeRaw(_ bytes: [UInt8]) {
        // A transport may still answer what is read behind the end.
        if bytes.isEmpty || hasSentEnd { return }
        unsafe bytes.withUnsafeBytes { unsafe tcp.write($0) }
    }
}
