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

    /// As those get who ask for renegotiation again and again, with and without bytes of a request in between.
    @Test(arguments: [true, false])
    func aClientThatHasTheTransportAnswerAndReadsNothingIsCutOff(givesPlaintext: Bool) async throws {
        let script = TestTransport.Script(ownBytesPerRead: 64 << 10, givesPlaintext: givesPlaintext)
        try await HTTPTestServer.run(transport: script) { _, router in
            router.on(.post, "/") { _ in HTTPResponse() }
        } _: { server in
            let client = try server.client(receiveBuffer: 4096)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n")
            try await eventually { script.reads.value > 0 }
            // Each byte is a read of its own, more or less.
            try await eventually {
                try? await client.send("x")
                return server.server.connectionCount == 0 || script.reads.value > 1_000
            }
            // What the kernel's buffers hold, and little more.
            #expect(server.server.connectionCount == 0 && script.reads.value < 400)
        }
    }
}
