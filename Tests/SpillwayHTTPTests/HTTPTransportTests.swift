import Testing

@testable import SpillwayHTTP

/// What connections make of a transport that goes wrong, or of a client that makes it.
@Suite struct HTTPTransportTests {
    private static let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test(arguments: [true, false])
    func whatATransportSaysBehindTheEndIsNotWritten(losesHandshake: Bool) async throws {
        let script = TestTransport.Script(losesHandshake: losesHandshake)
        try await HTTPTestServer.run(transport: script) { _, router in
            router.on(.get, "/") { _ in .text("root") }
        } _: { server in
            // A busy machine may need longer to send than the server reads on behind its end: again.
            try await eventually {
                let client = try server.client()
                try await client.send(Self.last)
                #expect(try await client.receiveAll().hasSuffix("root"))
                try? await client.send("x")
                try await eventually { server.server.connectionCount == 0 }
                return losesHandshake || script.lateReads.value > 0
            }
            // In the middle of a handshake nothing is read any more.
            if losesHandshake { #expect(script.lateReads.value == 0) }
        }
    }
}
