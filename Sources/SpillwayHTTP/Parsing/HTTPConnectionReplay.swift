/// Feeds a connection's state machine as a socket would, answers each request at once, and notes what came of it: the
/// parser's tests and the fuzzer stand on it.
struct HTTPConnectionReplay: Equatable {
    struct Request: Equatable {
        var method: HTTPMethod
        var target: String
        var fields: [String]
        var body: [UInt8]
        var keepsAlive: Bool
    }

    private(set) var requests: [Request] = []
    private(set) var continues = 0
    private(set) var isClosed = false
    private(set) var refusal: HTTPRefusal?
    private var machine: HTTPConnectionStateMachine

    /// Where the bytes are cut must change none of this; what exactly was wrong with a request that has several faults
    /// may depend on it.
    static func == (left: Self, right: Self) -> Bool {
        left.requests == right.requests && left.continues == right.continues
            && (left.refusal == nil) == (right.refusal == nil)
    }

    private static let router = {
        var router = HTTPRouter()
        router.on(.get, "/") { _ in HTTPResponse() }
        router.on(.post, "/large", maximumBodyBytes: 1 << 20) { _ in HTTPResponse() }
        return router
    }()

    /// - Parameter pieceSize: how many bytes come next, at the given place; at least one does.
    init(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), pieceSize: (Int) -> Int) {
        machine = HTTPConnectionStateMachine(
            parser: HTTPRequestParser(limits: limits) { Self.router.match($0, path: $1) })
        var start = 0
        while start < bytes.count && !isClosed {
            let end = min(bytes.count, start + max(1, pieceSize(start)))
            let piece = Array(bytes[start..<end])
            follow(unsafe piece.withUnsafeBytes { unsafe machine.received($0) })
            start = end
        }
        if !isClosed { follow(machine.inputEnded()) }
        precondition(isClosed || refusal != nil, "the input ended, the connection did not")
    }

    private mutating func follow(_ first: HTTPConnectionStateMachine.Action) {
        var action = first
        while true {
            switch action {
            case .wait, .stopReading: return
            case .close:
                isClosed = true
                return
            case .sendContinue: continues += 1
            case .refuse(let refusal):
                precondition(self.refusal == nil, "refused twice")
                self.refusal = refusal
                machine.ends()
                return
            case .handle(let request):
                precondition(refusal == nil, "a request behind a refusal")
                note(request)
                machine.handled()
                machine.answered(keepAlive: machine.keepsAlive)
            }
            action = machine.proceed()
        }
    }

    private mutating func note(_ request: HTTPRequest) {
        let bytes = request.storage.bytes
        let fields = request.storage.fields.map {
            String(decoding: bytes[$0.name], as: UTF8.self) + "=" + String(decoding: bytes[$0.value], as: UTF8.self)
        }
        requests.append(
            Request(
                method: request.method, target: request.target, fields: fields, body: request.body,
                keepsAlive: machine.keepsAlive))
    }
}

/// What a fuzzer calls.
@_spi(Fuzzing) public enum HTTPFuzzTarget {
    /// Feeds the bytes to a connection whole, one by one, and cut where the bytes themselves say; traps when these
    /// differ, or when something is answered twice, or behind a refusal.
    public static func run(_ bytes: [UInt8]) {
        let whole = HTTPConnectionReplay(bytes) { _ in bytes.count }
        precondition(whole == HTTPConnectionReplay(bytes) { _ in 1 }, "the answer depends on where bytes are cut")
        precondition(
            whole == HTTPConnectionReplay(bytes) { Int(bytes[$0] & 15) }, "the answer depends on where bytes are cut")
    }
}
