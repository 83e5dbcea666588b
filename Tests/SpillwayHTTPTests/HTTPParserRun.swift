@testable import SpillwayHTTP

/// Feeds a connection's state machine as a socket would, answers each request at once, and notes what came of it.
struct ParserRun: Equatable {
    struct Request: Equatable {
        var method: HTTPMethod
        var target: String
        var fields: [String]
        var body: [UInt8]
        var keepsAlive: Bool
    }

    var requests: [Request] = []
    var continues = 0
    var isRefused = false
    var isClosed = false
    var refusal: HTTPRefusal?

    static func == (left: Self, right: Self) -> Bool {
        left.requests == right.requests && left.continues == right.continues && left.isRefused == right.isRefused
    }

    /// - Parameter pieceSize: how many bytes come next, at the given place.
    static func run(_ bytes: [UInt8], limits: HTTPLimits = HTTPLimits(), pieceSize: (Int) -> Int) -> ParserRun {
        var run = ParserRun()
        var router = HTTPRouter()
        router.on(.get, "/") { _ in HTTPResponse() }
        router.on(.post, "/large", maximumBodyBytes: 1 << 20) { _ in HTTPResponse() }
        let frozen = router
        var machine = HTTPConnectionStateMachine(
            parser: HTTPRequestParser(limits: limits) { frozen.match($0, path: $1) })
        var start = 0
        while start < bytes.count && !run.isClosed {
            let end = min(bytes.count, start + max(1, pieceSize(start)))
            run.follow(Array(bytes[start..<end]).withUnsafeBytes { machine.received($0) }, &machine)
            start = end
        }
        if !run.isClosed { run.follow(machine.inputEnded(), &machine) }
        return run
    }

    private mutating func follow(
        _ first: HTTPConnectionStateMachine.Action, _ machine: inout HTTPConnectionStateMachine
    ) {
        var action = first
        while true {
            switch action {
            case .wait, .stopReading: return
            case .close:
                isClosed = true
                return
            case .sendContinue: continues += 1
            case .refuse(let refusal):
                precondition(!isRefused, "refused twice")
                isRefused = true
                self.refusal = refusal
                machine.ends()
                return
            case .handle(let request):
                precondition(!isRefused, "a request behind a refusal")
                let fields = request.storage.fields.map {
                    String(decoding: request.storage.bytes[$0.name], as: UTF8.self) + "="
                        + String(decoding: request.storage.bytes[$0.value], as: UTF8.self)
                }
                requests.append(
                    Request(
                        method: request.method, target: request.target, fields: fields, body: request.body,
                        keepsAlive: machine.keepsAlive))
                machine.answered(keepAlive: machine.keepsAlive)
            }
            action = machine.proceed()
        }
    }
}
