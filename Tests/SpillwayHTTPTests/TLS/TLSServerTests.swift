import COpenSSL
import FoundationEssentials
import Glibc
import SpillwayCore
import Testing

@testable import SpillwayHTTP

/// A server with TLS on a port of its own, and clients on sockets.
@Suite struct TLSServerTests {
    private static let largeCount = 4_000_000

    private struct Fixture {
        let certificate: TestCertificate
        let identity: TLSIdentity
        let server: HTTPServer
        let port: UInt16
        let clients: BlockingExecutor

        /// Waits until no connection is left, thirty seconds at most.
        func waitUntilEmpty() async throws {
            for _ in 0..<3000 where server.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(server.connectionCount == 0)
        }

        /// Runs a program's command line; gives back what it wrote.
        func shell(_ command: String) async throws -> String {
            try await clients.run {
                guard let pipe = popen(command + " 2>&1", "r") else { return "" }
                var output: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 65_536)
                while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { output += buffer[..<count] }
                pclose(pipe)
                return String(decoding: output, as: UTF8.self)
            }
        }
    }

    private func withServer(
        idleTimeout: Duration = .seconds(75), _ body: (Fixture) async throws -> Void
    ) async throws {
        let certificate = try TestCertificate()
        let identity = try TLSIdentity(
            certificateChainFile: certificate.certificateFile, privateKeyFile: certificate.keyFile)
        var router = HTTPRouter()
        router.on(.get, "/hello") { _ in .text("hello") }
        router.on(.get, "/large") { _ in .text(String(repeating: "x", count: Self.largeCount - 1) + "!") }
        router.on(.post, "/count", maximumBodyBytes: 8 << 20) { .text("<\($0.body.count)>") }
        var configuration = HTTPServerConfiguration(port: 0)
        configuration.idleTimeout = idleTimeout
        let loop = try EventLoop(name: "tls-test")
        let server = try HTTPServer(
            configuration: configuration, router: router, loops: [loop], transport: identity,
            metrics: MetricsRegistry(), logger: Logger(label: "test"))
        let port = try await server.listen().port
        let clients = BlockingExecutor(name: "tls-clients", threads: 2)
        let serving = Task { try await server.run() }
        let fixture = Fixture(
            certificate: certificate, identity: identity, server: server, port: port, clients: clients)
        var failure: (any Error)?
        do { try await body(fixture) } catch { failure = error }
        serving.cancel()
        _ = await serving.result
        loop.shutdown()
        clients.shutdown()
        if let failure { throw failure }
    }

    private static let hello = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test func requestsFollowEachOtherOnOneConnection() async throws {
        try await withServer { fixture in
            let (port, file) = (fixture.port, fixture.certificate.certificateFile)
            try await fixture.clients.run {
                let socket = try TestTLSSocket(port: port, trusting: file)
                try socket.handshake()
                for _ in 0..<3 {
                    #expect(socket.ask(Self.hello, answerEnding: "hello").hasPrefix("HTTP/1.1 200 OK\r\n"))
                }
                let body = String(repeating: "b", count: 3_000_000)
                let post =
                    "POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body
                #expect(socket.ask(post, answerEnding: "<3000000>").hasSuffix("<3000000>"))
                let large = "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                #expect(socket.ask(large, answerEnding: "x!").utf8.count > Self.largeCount)
                // The server says that this was all before it closes.
                #expect(socket.read { _ in false }.isEmpty)
                #expect(socket.client.hasReceivedEnd)
            }
            try await fixture.waitUntilEmpty()
        }
    }

    @Test func silenceInTheHandshakeIsCutOff() async throws {
        try await withServer(idleTimeout: .milliseconds(300)) { fixture in
            let (port, file) = (fixture.port, fixture.certificate.certificateFile)
            try await fixture.clients.run {
                let silent = try TestTLSSocket(port: port, trusting: file)
                #expect(silent.receiveRaw().isEmpty)
                let half = try TestTLSSocket(port: port, trusting: file)
                _ = half.client.handshake()
                half.sendRaw(Array(half.client.takeOutput().prefix(40)))
                #expect(half.receiveRaw().isEmpty)
                // A handshake that was done and then silence, too.
                let idle = try TestTLSSocket(port: port, trusting: file)
                try idle.handshake()
                _ = idle.read { _ in false }
            }
            try await fixture.waitUntilEmpty()
        }
    }

    @Test func clientsMayVanish() async throws {
        try await withServer { fixture in
            let (port, file) = (fixture.port, fixture.certificate.certificateFile)
            try await fixture.clients.run {
                // Without close_notify, at each stage: nothing may stay behind.
                _ = try TestTLSSocket(port: port, trusting: file)
                let half = try TestTLSSocket(port: port, trusting: file)
                _ = half.client.handshake()
                half.sendRaw(Array(half.client.takeOutput().prefix(40)))
                half.shutdownRaw()
                #expect(half.receiveRaw().isEmpty)
                let whole = try TestTLSSocket(port: port, trusting: file)
                try whole.handshake()
                whole.write(Array("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".utf8))
                whole.shutdownRaw()
                #expect(whole.read { _ in false }.isEmpty)
                // The server writes into connections that are gone, which must not end the process by a signal.
                for _ in 0..<5 {
                    let reading = try TestTLSSocket(port: port, trusting: file)
                    try reading.handshake()
                    reading.write(Array("GET /large HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
                }
            }
            try await fixture.waitUntilEmpty()
        }
    }

    @Test func aRequestBeforeTheClientsEndIsStillAnswered() async throws {
        try await withServer { fixture in
            let (port, file) = (fixture.port, fixture.certificate.certificateFile)
            try await fixture.clients.run {
                let socket = try TestTLSSocket(port: port, trusting: file)
                try socket.handshake()
                socket.client.write(Array(Self.hello.utf8))
                SSL_shutdown(socket.client.handle)
                socket.sendRaw(socket.client.takeOutput())
                let answer = socket.read { _ in false }
                #expect(String(decoding: answer, as: UTF8.self).hasSuffix("hello"))
                #expect(socket.client.hasReceivedEnd)
            }
            try await fixture.waitUntilEmpty()
        }
    }

    @Test func plainHTTPGetsNoAnswer() async throws {
        try await withServer { fixture in
            let (port, file) = (fixture.port, fixture.certificate.certificateFile)
            try await fixture.clients.run {
                let socket = try TestTLSSocket(port: port, trusting: file)
                socket.sendRaw(Array(Self.hello.utf8))
                #expect(!String(decoding: socket.receiveRaw(), as: UTF8.self).contains("HTTP"))
            }
            try await fixture.waitUntilEmpty()
        }
    }

    @Test func newConnectionsGetTheNewCertificate() async throws {
        try await withServer { fixture in
            let (port, file) = (fixture.port, fixture.certificate.certificateFile)
            let old = fixture.certificate.directory + "/old.pem"
            try FileManager.default.copyItem(atPath: file, toPath: old)
            let open = try TestTLSSocket(port: port, trusting: old)
            try open.handshake()
            try fixture.certificate.write()
            try fixture.identity.reload()
            let new = try TestTLSSocket(port: port, trusting: file)
            try new.handshake()
            #expect(new.ask(Self.hello, answerEnding: "hello").hasSuffix("hello"))
            #expect(throws: (any Error).self) { try TestTLSSocket(port: port, trusting: old).handshake() }
            #expect(open.ask(Self.hello, answerEnding: "hello").hasSuffix("hello"))
        }
    }

    @Test(.enabled(if: access("/usr/bin/curl", X_OK) == 0)) func curlIsServed() async throws {
        try await withServer { fixture in
            let body = fixture.certificate.directory + "/body"
            try Data(repeating: 7, count: 5_000_000).write(to: URL(filePath: body))
            let curl =
                "timeout 20 curl -sS --cacert \(fixture.certificate.certificateFile) --connect-to "
                + "localhost:\(fixture.port):127.0.0.1:\(fixture.port)"
            let url = "https://localhost:\(fixture.port)"
            #expect(try await fixture.shell("\(curl) \(url)/hello") == "hello")
            #expect(try await fixture.shell("\(curl) --tls-max 1.2 \(url)/hello \(url)/hello") == "hellohello")
            #expect(try await fixture.shell("\(curl) --data-binary @\(body) \(url)/count") == "<5000000>")
            #expect(try await fixture.shell("\(curl) \(url)/large | wc -c").contains("\(Self.largeCount)"))
            #expect(
                try await fixture.shell("\(curl) --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 \(url)/hello") != "hello")
            #expect(try await fixture.shell("timeout 20 curl -sS http://localhost:\(fixture.port)/hello") != "hello")
        }
    }

    @Test(.enabled(if: access("/usr/bin/openssl", X_OK) == 0)) func opensslIsServedAndMayNotRenegotiate() async throws {
        try await withServer { fixture in
            let client =
                "timeout 20 openssl s_client -connect 127.0.0.1:\(fixture.port) -servername localhost "
                + "-CAfile \(fixture.certificate.certificateFile) -verify_return_error"
            let request = #"printf 'GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'"#
            let answer = try await fixture.shell("\(request) | \(client) -ign_eof -alpn http/1.1")
            #expect(answer.contains("hello") && answer.contains("Verify return code: 0 (ok)"))
            #expect(answer.contains("ALPN protocol: http/1.1") && answer.contains("TLSv1.3"))
            // "R" at the beginning of a line asks for a new handshake.
            let again = try await fixture.shell("(sleep 0.3; echo R; sleep 0.5) | \(client) -tls1_2")
            #expect(again.contains("RENEGOTIATING") && again.contains("no renegotiation"))
        }
    }
}
