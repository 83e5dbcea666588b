import COpenSSL
import Testing

@testable import SpillwayHTTP

@Suite struct TLSSessionTests {
    private let certificate: TestCertificate
    private let identity: TLSIdentity

    init() throws {
        certificate = try TestCertificate()
        identity = try TLSIdentity(
            certificateChainFile: certificate.certificateFile, privateKeyFile: certificate.keyFile)
    }

    private func connected(
        _ options: TestTLSClient.Options = .init(), pieces: Int = .max
    ) throws -> (TestTLSClient, TLSSession) {
        let client = try TestTLSClient(trusting: certificate.certificateFile, options)
        let session = try TLSSession(identity.current)
        try session.handshake(with: client, pieces: pieces)
        return (client, session)
    }

    @Test(arguments: [1, 7, Int.max])
    func bytesGoBothWaysHoweverTheyAreCut(pieces: Int) throws {
        let (client, session) = try connected(pieces: pieces)
        #expect(session.isEstablished && SSL_version(client.handle) == 0x0304)
        #expect(SSL_get_verify_result(client.handle) == X509_V_OK)
        var plaintext: [UInt8] = []
        client.write(bytes("GET / HTTP/1.1\r\n\r\n"))
        _ = try session.receive(client.takeOutput(), pieces: pieces, plaintext: &plaintext)
        #expect(plaintext == bytes("GET / HTTP/1.1\r\n\r\n"))
        client.receive(try session.send(bytes("HTTP/1.1 200 OK\r\n\r\n")))
        #expect(client.read() == bytes("HTTP/1.1 200 OK\r\n\r\n"))
    }

    @Test func largeBodiesGoBothWays() throws {
        let (client, session) = try connected()
        let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var plaintext: [UInt8] = []
        client.write(large)
        _ = try session.receive(client.takeOutput(), pieces: 65_536, plaintext: &plaintext)
        #expect(plaintext == large)
        client.receive(try session.send(large))
        #expect(client.read() == large)
        // What was handed out once is gone.
        #expect(try session.send(bytes("x")).count < 100)
    }

    @Test func version12IsServedWithGoodCiphersOnly() throws {
        let (client, session) = try connected(.init(maximumVersion: 0x0303))
        #expect(session.isEstablished && SSL_version(client.handle) == 0x0303)
        for ciphers in ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "AES128-GCM-SHA256"] {
            #expect(throws: TLSError.self) { try connected(.init(maximumVersion: 0x0303, ciphers: ciphers)) }
        }
    }

    @Test(arguments: [0x0301, 0x0302] as [Int32])
    func olderVersionsAreRefused(version: Int32) throws {
        let error = try #require(throws: TLSError.self) {
            try connected(.init(maximumVersion: version, ciphers: "ALL:@SECLEVEL=0"))
        }
        #expect(error.code == .protocol)
    }

    @Test func theProtocolIsAgreedUpon() throws {
        for offered in [[], ["http/1.1"], ["h2", "http/1.1"]] as [[String]] {
            let (client, session) = try connected(.init(protocols: offered))
            var name: UnsafePointer<UInt8>?
            var length = UInt32(0)
            SSL_get0_alpn_selected(client.handle, &name, &length)
            #expect(session.isEstablished && length == (offered.isEmpty ? 0 : 8))
        }
        for offered in [["h2"], ["ftp", "http/1.0", "http/1.10"]] {
            #expect(throws: TLSError.self) { try connected(.init(protocols: offered)) }
        }
    }

    @Test func theEndIsAnnouncedBothWays() throws {
        let (client, session) = try connected()
        var plaintext: [UInt8] = []
        client.write(bytes("last"))
        SSL_shutdown(client.handle)
        #expect(!session.hasReceivedEnd)
        _ = try session.receive(client.takeOutput(), plaintext: &plaintext)
        #expect(session.hasReceivedEnd && plaintext == bytes("last"))
        // The other direction is still open.
        client.receive(try session.send(bytes("answer")))
        var outgoing: [UInt8] = []
        session.close(outgoing: &outgoing)
        client.receive(outgoing)
        #expect(client.read() == bytes("answer") && client.hasReceivedEnd)
        #expect(try session.send(bytes("too late")).isEmpty)
        outgoing = []
        session.close(outgoing: &outgoing)
        #expect(outgoing.isEmpty)
    }

    @Test func anEndWithoutAnnouncementIsNone() throws {
        let (client, session) = try connected()
        var plaintext: [UInt8] = []
        client.write(bytes("whole record"))
        client.write(bytes("cut record"))
        let sent = client.takeOutput()
        _ = try session.receive(Array(sent.dropLast(3)), plaintext: &plaintext)
        #expect(plaintext == bytes("whole record") && !session.hasReceivedEnd)
    }

    @Test func halfAHandshakeWaits() throws {
        let client = try TestTLSClient(trusting: certificate.certificateFile)
        let session = try TLSSession(identity.current)
        #expect(!client.handshake())
        let hello = client.takeOutput()
        var plaintext: [UInt8] = []
        #expect(try session.receive(Array(hello.dropLast(5)), plaintext: &plaintext).isEmpty)
        #expect(!session.isEstablished && !session.hasReceivedEnd && plaintext.isEmpty)
        var outgoing: [UInt8] = []
        session.close(outgoing: &outgoing)
        #expect(outgoing.isEmpty)
        #expect(throws: TLSError.self) { try session.send(bytes("too early")) }
    }

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello", "PROXY TCP4 1.2.3.4", "\u{80}\u{2E}",
    ])
    func whatIsNoTLSIsRefusedWithAnAlertAtMost(text: String) throws {
        let session = try TLSSession(identity.current)
        var plaintext: [UInt8] = []
        var outgoing: [UInt8] = []
        #expect(throws: TLSError.self) {
            for _ in 0..<3 {
                try bytes(text).withUnsafeBytes { try session.receive($0, plaintext: &plaintext, outgoing: &outgoing) }
            }
        }
        #expect(plaintext.isEmpty && outgoing.count <= 7)
        // Nothing is taken after that.
        #expect(try session.receive(bytes(text), plaintext: &plaintext).isEmpty)
        #expect(try session.send(bytes("x")).isEmpty)
    }

    @Test func aChangedByteIsNoticedBeforeItsRecordIsRead() throws {
        let (client, session) = try connected()
        client.write(bytes("like"))
        var sent = client.takeOutput()
        sent[sent.count - 10] ^= 1
        var plaintext: [UInt8] = []
        #expect(throws: TLSError.self) { try session.receive(sent, plaintext: &plaintext) }
        #expect(plaintext.isEmpty)
    }

    @Test func nobodyRenegotiates() throws {
        let (client, session) = try connected(.init(maximumVersion: 0x0303))
        let finished = client.finishedMessage
        #expect(finished.count == 12)
        #expect(SSL_renegotiate(client.handle) == 1)
        var plaintext: [UInt8] = []
        for _ in 0..<5 {
            _ = client.handshake()
            guard let answer = try? session.receive(client.takeOutput(), plaintext: &plaintext) else { break }
            client.receive(answer)
        }
        ERR_clear_error()
        // Each handshake ends with a message of its own, and no second one has come.
        #expect(client.finishedMessage == finished)
    }

    @Test func ticketsResumeUntilTheCertificateIsReadAnew() throws {
        let (first, session) = try connected()
        do {
            // In TLS 1.3 the ticket comes with the first bytes that are read.
            first.receive(try session.send(bytes("x")))
            #expect(first.read() == bytes("x"))
        }
        let ticket = try #require(SSL_get1_session(first.handle))
        defer { SSL_SESSION_free(ticket) }
        let (second, _) = try connected(.init(resuming: ticket))
        #expect(SSL_session_reused(second.handle) == 1)
        try identity.reload()
        let (third, _) = try connected(.init(resuming: ticket))
        #expect(SSL_session_reused(third.handle) == 0)
    }

    @Test func mutatedHandshakesNeverCrashNorGivePlainText() throws {
        var random = SeededGenerator(seed: 99)
        for round in 0..<300 {
            let client = try TestTLSClient(trusting: certificate.certificateFile)
            let session = try TLSSession(identity.current)
            var plaintext: [UInt8] = []
            for _ in 0..<3 {
                _ = client.handshake()
                var sent = client.takeOutput()
                for _ in 0..<(sent.isEmpty ? 0 : Int.random(in: 0...2, using: &random)) {
                    sent[Int.random(in: 0..<sent.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                guard let answer = try? session.receive(sent, pieces: 1 + round % 100, plaintext: &plaintext) else {
                    break
                }
                client.receive(answer)
            }
            #expect(plaintext.isEmpty)
        }
        ERR_clear_error()
    }
}
