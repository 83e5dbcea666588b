import COpenSSL
import Testing

@testable import SpillwayHTTP

/// A client by OpenSSL in memory, which trusts one certificate, and the wire between it and a session.
final class TestTLSClient {
    struct Options {
        var maximumVersion: Int32?
        var ciphers: String?
        var protocols: [String] = ["http/1.1"]
        var resuming: OpaquePointer?
    }

    private let context: OpaquePointer
    let handle: OpaquePointer
    private let input: OpaquePointer
    private let output: OpaquePointer

    init(trusting certificateFile: String, _ options: Options = Options()) throws {
        context = try #require(SSL_CTX_new(TLS_client_method()))
        #expect(SSL_CTX_load_verify_file(context, certificateFile) == 1)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        if let ciphers = options.ciphers { #expect(SSL_CTX_set_cipher_list(context, ciphers) == 1) }
        handle = try #require(SSL_new(context))
        input = try #require(BIO_new(BIO_s_mem()))
        output = try #require(BIO_new(BIO_s_mem()))
        SSL_set_bio(handle, input, output)
        SSL_set_connect_state(handle)
        #expect(SSL_set1_host(handle, "localhost") == 1)
        if let version = options.maximumVersion {
            #expect(SSL_ctrl(handle, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil) == 1)
        }
        let protocols = options.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
        if !protocols.isEmpty { #expect(SSL_set_alpn_protos(handle, protocols, UInt32(protocols.count)) == 0) }
        if let session = options.resuming { #expect(SSL_set_session(handle, session) == 1) }
    }

    deinit {
        SSL_free(handle)
        SSL_CTX_free(context)
    }

    /// One step of the handshake; true when it is over.
    func handshake() -> Bool {
        ERR_clear_error()
        return SSL_do_handshake(handle) == 1
    }

    func write(_ bytes: [UInt8]) {
        #expect(SSL_write(handle, bytes, Int32(bytes.count)) == Int32(bytes.count))
    }

    /// Everything that has come, decrypted.
    func read() -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = SSL_read(handle, &buffer, Int32(buffer.count))
            guard count > 0 else { return all }
            all += buffer[..<Int(count)]
        }
    }

    /// Whether the server announced its end.
    var hasReceivedEnd: Bool { SSL_get_shutdown(handle) & SSL_RECEIVED_SHUTDOWN != 0 }

    /// The server's last word of the latest handshake (TLS 1.2).
    var finishedMessage: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = SSL_get_peer_finished(handle, &bytes, bytes.count)
        return Array(bytes[..<count])
    }

    /// What the client wants sent.
    func takeOutput() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(output))
        let count = BIO_read(output, &bytes, Int32(bytes.count))
        return count > 0 ? Array(bytes[..<Int(count)]) : []
    }

    func receive(_ bytes: [UInt8]) {
        if !bytes.isEmpty { #expect(BIO_write(input, bytes, Int32(bytes.count)) == Int32(bytes.count)) }
    }
}

extension TLSSession {
    /// Takes bytes in pieces of a size and gives back what goes out; plain text is appended.
    func receive(_ bytes: [UInt8], pieces: Int = .max, plaintext: inout [UInt8]) throws -> [UInt8] {
        var outgoing: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + min(pieces, bytes.count))
            try bytes[start..<end].withUnsafeBytes { try receive($0, plaintext: &plaintext, outgoing: &outgoing) }
            start = end
        }
        return outgoing
    }

    func send(_ bytes: [UInt8]) throws -> [UInt8] {
        var outgoing: [UInt8] = []
        try bytes.withUnsafeBytes { try send($0, outgoing: &outgoing) }
        return outgoing
    }

    /// Carries the handshake's messages to and fro until neither has anything to say.
    func handshake(with client: TestTLSClient, pieces: Int = .max) throws {
        var plaintext: [UInt8] = []
        var isOver = false
        while true {
            isOver = client.handshake()
            let sent = client.takeOutput()
            if sent.isEmpty { break }
            client.receive(try receive(sent, pieces: pieces, plaintext: &plaintext))
        }
        #expect(plaintext.isEmpty)
        #expect(isOver == isEstablished)
    }
}
