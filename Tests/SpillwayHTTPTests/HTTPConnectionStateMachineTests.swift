import Testing

@testable import SpillwayHTTP

@Suite struct HTTPConnectionStateMachineTests {
    private static func machine() -> HTTPConnectionStateMachine {
        var router = HTTPRouter()
        router.on(.get, "/") { _ in HTTPResponse() }
        let routes = router
        return HTTPConnectionStateMachine(
            parser: HTTPRequestParser(limits: HTTPLimits()) { routes.match($0, path: $1) })
    }

    private static func isRequest(_ action: HTTPConnectionStateMachine.Action) -> Bool {
        if case .handle = action { true } else { false }
    }

    @Test func aClientThatIsAlwaysAheadCostsNoMoreThanWhatIsKept() {
        var machine = Self.machine()
        let request = Array("GET / HTTP/1.1\r\nHost: a\r\nX-Filler: \(String(repeating: "x", count: 300))\r\n\r\n".utf8)
        #expect(Self.isRequest((request + request + request).withUnsafeBytes { machine.received($0) }))
        var largest = 0
        for _ in 0..<10_000 {
            machine.handled()
            machine.answered(keepAlive: true)
            guard Self.isRequest(machine.proceed()) else { return #expect(Bool(false), "a request was lost") }
            _ = request.withUnsafeBytes { machine.received($0) }
            largest = max(largest, machine.pendingCapacity)
        }
        #expect(largest < 256 << 10)
    }
}
