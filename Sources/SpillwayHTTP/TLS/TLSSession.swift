import COpenSSL

/// One encrypted connection without its socket: bytes of the network in, plain bytes out, and the other way round, all
/// in OpenSSL's memory buffers. One thread at a time.
@safe final class TLSSession: ConnectionTransport {
    /// The largest piece of plain text in one record (RFC 8446, section 5.1).
    private static let recordBytes = 16_384

    private let handle: OpaquePointer
    // Both belong to the handle.
    private let input: OpaquePointer
    private let output: OpaquePointer
    private(set) var hasReceivedEnd = false
    /// No more calls of OpenSSL except for what it has to say: it failed, or our end was sent.
    private var isOver = false

    /// Begins as a server, with the context's certificate.
    init(_ context: TLSContext) throws(TLSError) {
        ERR_clear_error()
        guard let handle = unsafe SSL_new(context.handle) else { throw TLSError.fromOpenSSL(.failed, "no TLS session") }
        guard let input = unsafe BIO_new(BIO_s_mem()) else {
            unsafe SSL_free(handle)
            throw TLSError.fromOpenSSL(.failed, "no TLS session")
        }
        guard let output = unsafe BIO_new(BIO_s_mem()) else {
            unsafe BIO_free(input)
            unsafe SSL_free(handle)
            throw TLSError.fromOpenSSL(.failed, "no TLS session")
        }
        unsafe SSL_set_bio(handle, input, output)
        unsafe SSL_set_accept_state(handle)
        unsafe (self.handle, self.input, self.output) = (handle, input, output)
    }

    deinit {
        unsafe SSL_free(handle)
    }

    var isEstablished: Bool { unsafe SSL_is_init_finished(handle) == 1 }

    func receive(
        _ bytes: UnsafeRawBufferPointer, plaintext: inout [UInt8], outgoing: inout [UInt8]
    ) throws(TLSError) {
        guard !isOver, !hasReceivedEnd, let base = bytes.baseAddress else { return }
        defer { takeOutput(into: &outgoing) }
        // A memory buffer takes everything; the count is that of one read of a socket, far below Int32's limit.
        guard unsafe BIO_write(input, base, Int32(bytes.count)) == Int32(bytes.count) else {
            throw fail("no memory for what was received")
        }
        let result = unsafe withUnsafeTemporaryAllocation(byteCount: Self.recordBytes, alignment: 16) { buffer in
            while true {
                ERR_clear_error()
                let count = unsafe SSL_read(handle, buffer.baseAddress!, Int32(buffer.count))
                guard count > 0 else { return unsafe SSL_get_error(handle, count) }
                unsafe plaintext.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]))
            }
        }
        switch result {
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: hasReceivedEnd = true
        default: throw fail("the other side broke the protocol")
        }
    }

    func send(_ plaintext: UnsafeRawBufferPointer, outgoing: inout [UInt8]) throws(TLSError) {
        guard !isOver, unsafe !plaintext.isEmpty else { return }
        defer { takeOutput(into: &outgoing) }
        ERR_clear_error()
        var written = 0
        // Nothing has to be tried again, since a memory buffer takes everything.
        guard unsafe SSL_write_ex(handle, plaintext.baseAddress!, plaintext.count, &written) == 1 else {
            throw fail("sending before the handshake was over")
        }
    }

    func close(outgoing: inout [UInt8]) {
        guard !isOver, isEstablished else { return }
        isOver = true
        unsafe SSL_shutdown(handle)
        ERR_clear_error()
        takeOutput(into: &outgoing)
    }

    /// Moves what OpenSSL wants sent.
    private func takeOutput(into outgoing: inout [UInt8]) {
        var contents: UnsafeMutablePointer<CChar>?
        let count = unsafe spillway_bio_contents(output, &contents)
        guard count > 0 else { return }
        // Valid until the next call on the buffer.
        unsafe outgoing.append(contentsOf: UnsafeRawBufferPointer(start: contents, count: count))
        unsafe spillway_bio_clear(output)
    }

    private func fail(_ message: String) -> TLSError {
        isOver = true
        return TLSError.fromOpenSSL(.protocol, message)
    }
}
