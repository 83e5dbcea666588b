// A receiver of webhooks that can be broken: the first requests of each key fail, and those of `poison` until it is mended.
//
//   Receiver FAILURES       listens on a free port, which it prints
//
//   POST /hook              takes an event
//   POST /mend              takes `poison` from now on
//   GET  /received          what was taken: a line `key body` for each, in the order of arrival
import SpillwayCore
import SpillwayHTTP
import Synchronization

/// What the receiver knows.
final class Inbox: Sendable {
    private struct State {
        var failures: [String: Int] = [:]
        var isMended = false
        var taken: [String] = []
        var ids: Set<String> = []
    }

    private let failures: Int
    private let state = Mutex(State())

    init(failures: Int) { self.failures = failures }

    var received: String { state.withLock { $0.taken.map { $0 + "\n" }.joined() } }

    func mend() { state.withLock { $0.isMended = true } }

    func take(key: String, id: String, body: String) -> HTTPStatus {
        state.withLock { state in
            if state.failures[key, default: 0] < failures {
                state.failures[key, default: 0] += 1
                return .serviceUnavailable
            }
            if key == "poison", !state.isMended { return .serviceUnavailable }
            // An event may come twice, so its id decides whether it is news.
            if state.ids.insert(id).inserted { state.taken.append("\(key) \(body)") }
            return .ok
        }
    }
}

let inbox = Inbox(failures: CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0)
let logger = Logger(label: "receiver")
let loop = try EventLoop(name: "receiver")
try await serve(inbox, on: loop)
loop.shutdown()

func serve(_ inbox: Inbox, on loop: EventLoop) async throws {
    var router = HTTPRouter(logger: logger)
    router.on(.post, "/hook") { request in
        let status = inbox.take(
            key: request.header(HTTPFieldName("webhook-key")) ?? "",
            id: request.header(HTTPFieldName("webhook-id")) ?? "",
            body: String(decoding: request.body, as: UTF8.self))
        return .text("\(status)", status: status)
    }
    router.on(.post, "/mend") { _ in
        inbox.mend()
        return .text("mended")
    }
    router.on(.get, "/received") { _ in .text(inbox.received) }
    let server = try HTTPServer(configuration: HTTPServerConfiguration(port: 0), router: router, loops: [loop])
    let port = try await server.listen().port
    logger.notice("listening", metadata: ["port": "\(port)"])
    try await ServiceGroup(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
}
