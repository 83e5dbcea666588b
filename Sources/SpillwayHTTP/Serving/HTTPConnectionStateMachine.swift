/// One connection's HTTP without its socket: takes bytes, and says what is to be done next.
///
/// A request is handed out only when it is complete, and the next one only when the answer has been sent: what comes
/// meanwhile is kept, up to a bound.
struct HTTPConnectionStateMachine {
    /// Where the connection stands.
    enum Phase: Equatable {
        /// Between requests, or inside one.
        case receiving
        /// A request is being answered.
        case answering
        /// The answer is an event stream; it is the last one.
        case streaming
        /// The last answer was sent; what still comes is thrown away.
        case ending
    }

    enum Action {
        /// Nothing until more comes.
        case wait
        /// As much is kept as may be: nothing is read until the answer is there.
        case stopReading
        case handle(HTTPRequest)
        case sendContinue
        /// Answer with this, then end.
        case refuse(HTTPRefusal)
        case close
    }

    /// How much of further requests is kept while one is answered.
    static let maximumPipelinedBytes = 64 << 10
    /// How much of what comes after the last answer is thrown away before the connection is cut.
    static let maximumDiscardedBytes = 2 << 20

    private(set) var phase = Phase.receiving
    private let parser: HTTPRequestParser
    private var pending: [UInt8] = []
    private var pendingStart = 0
    private var hasInputEnded = false
    private var isDraining = false
    private var discarded = 0

    init(parser: HTTPRequestParser) { self.parser = parser }

    /// Whether no byte of a request is there.
    var isIdle: Bool { phase == .receiving && !parser.isMidRequest && !hasPending }

    /// Whether the connection stays open after the present answer.
    var keepsAlive: Bool { parser.keepsAlive && !isDraining && (!hasInputEnded || hasPending) }

    /// Whether the present request is HTTP/1.0, which must be told that the connection stays open.
    var isHTTP10: Bool { parser.isHTTP10 }

    /// The present request from the moment its head is complete and good; its body may be missing. Nil before.
    var request: HTTPRequest? { parser.request }

    /// Whether the other side sends no more.
    var inputHasEnded: Bool { hasInputEnded }

    private var hasPending: Bool { pendingStart < pending.count }

    /// The memory of what is kept of further requests, in bytes.
    var pendingCapacity: Int { pending.capacity }

    /// Bytes came from the other side.
    mutating func received(_ bytes: UnsafeRawBufferPointer) -> Action {
        switch phase {
        case .receiving:
            if hasPending {
                unsafe pending.append(contentsOf: bytes)
                return proceed()
            }
            let (taken, action) = unsafe parse(bytes)
            if phase != .ending { unsafe pending.append(contentsOf: bytes[taken...]) }
            return action
        case .answering:
            unsafe pending.append(contentsOf: bytes)
            return pending.count - pendingStart >= Self.maximumPipelinedBytes ? .stopReading : .wait
        case .streaming:
            return discard(bytes.count)
        case .ending:
            return discard(bytes.count)
        }
    }

    private mutating func discard(_ count: Int) -> Action {
        discarded += count
        return discarded > Self.maximumDiscardedBytes ? .close : .wait
    }

    /// Goes on with what is kept, after ``answered(keepAlive:)`` or `sendContinue`.
    mutating func proceed() -> Action {
        guard phase == .receiving else { return .wait }
        if hasPending {
            let action = parsePending()
            if case .wait = action {} else { return action }
        }
        return hasInputEnded ? .close : .wait
    }

    private mutating func parsePending() -> Action {
        let (taken, action) = parseCopy(of: pending)
        pendingStart += taken
        if !hasPending || phase == .ending {
            forgetPending()
        } else if pendingStart >= Self.maximumPipelinedBytes {
            // A client that is always ahead leaves no moment at which nothing is kept. What moves is at most about twice
            // what was taken.
            pending.removeFirst(pendingStart)
            pendingStart = 0
        }
        return action
    }

    /// Parses what is kept; a second reference, gone on return, lets it be read while the state changes.
    private mutating func parseCopy(of bytes: [UInt8]) -> (Int, Action) {
        unsafe bytes.withUnsafeBytes { all in
            unsafe parse(UnsafeRawBufferPointer(rebasing: all[pendingStart...]))
        }
    }

    private mutating func forgetPending() {
        pending.removeAll(keepingCapacity: pending.capacity <= 4096)
        pendingStart = 0
    }

    private mutating func parse(_ bytes: UnsafeRawBufferPointer) -> (Int, Action) {
        let (taken, event) = unsafe parser.parse(bytes)
        switch event {
        case .partial: return (taken, .wait)
        case .expectsContinue: return (taken, .sendContinue)
        case .complete(let request):
            phase = .answering
            return (taken, .handle(request))
        case .refused(let refusal):
            phase = .ending
            return (taken, .refuse(refusal))
        }
    }

    /// The other side sends no more. What is complete is still answered.
    mutating func inputEnded() -> Action {
        hasInputEnded = true
        switch phase {
        case .receiving: return .close
        case .answering: return .wait
        case .streaming, .ending: return .close
        }
    }

    /// The handler is done with its request, and its answer is not yet sent: what a large body took goes back now, since
    /// a client that has the answer may send the next such body over another connection.
    mutating func handled() {
        precondition(phase == .answering, "an answer without a request")
        parser.releaseBody()
    }

    /// The answer has been sent; ``proceed()`` follows.
    mutating func answered(keepAlive: Bool) {
        precondition(phase == .answering, "an answer without a request")
        phase = keepAlive ? .receiving : .ending
        if !keepAlive { forgetPending() }
    }

    /// The answer is an event stream.
    mutating func streams() {
        precondition(phase == .answering, "a stream without a request")
        phase = .streaming
        forgetPending()
    }

    /// Nothing more is answered.
    mutating func ends() {
        phase = .ending
        forgetPending()
    }

    /// The server shuts down: the present request is the last one.
    mutating func drain() -> Action {
        isDraining = true
        return isIdle ? .close : .wait
    }
}
