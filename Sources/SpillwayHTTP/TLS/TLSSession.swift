import COpenSSL

/// One encrypted connection without its socket: bytes of the network in, plain bytes out, and the other way round.
///
/// Everything lies in OpenSSL's memory buffers: whoever owns the socket gives in what it reads and writes out what
/// ``flush(_:)`` hands over, after each other call. One thread at a time.
@safe final class TLSSession {
    /// The largest piece of plain text in one record (RFC 8446, section 5.1).
    private static let recordBytes = 16_384

    private let handle: OpaquePointer
    // Both belong to the handle.
    private let input: OpaquePointer
    private let output: OpaquePointer
    /// Whether the other side said that it sends nothing more.
    private(set) var hasReachedEnd = false
    /// Whether the protocol was broken; nothing works any more except ``flush(_:)``.
    private(set) var hasFailed = false
    private var hasClosed = false

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

    /// Whether the handshake is over, so that plain bytes can be sent.
    var isOpen: Bool { unsafe SSL_is_init_finished(handle) == 1 }

    /// Takes bytes from the network and hands over the plain ones, piece by piece.
    ///
    /// - Parameters:
    ///   - bytes: what was read from the socket.
    ///   - deliver: gets plain bytes, valid in the call only; it may send, and close, after which no
    ///     more come.
    func receive(_ bytes: UnsafeRawBufferPointer, deliver: (UnsafeRawBufferPointer) -> Void) throws(TLSError) {
        guard !hasFailed, !hasReachedEnd, let base = bytes.baseAddress else { return }
        guard unsafe BIO_write(input, base, Int32(bytes.count)) == Int32(bytes.count) else {
            throw fail("no memory for what was received")
        }
        let result = unsafe withUnsafeTemporaryAllocation(byteCount: Self.recordBytes, alignment: 16) { buffer in
            while !hasClosed {
                ERR_clear_error()
                let count = unsafe SSL_read(handle, buffer.baseAddress!, Int32(buffer.count))
                guard count > 0 else { return unsafe SSL_get_error(handle, count) }
                unsafe deliver(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]))
            }
            return SSL_ERROR_WANT_READ
        }
        switch result {
        case SSL_ERROR_WANT_READ: break
        case SSL_ERROR_ZERO_RETURN: hasReachedEnd = true
        default: throw fail("the other side broke the protocol")
        }
    }

    /// Encrypts plain bytes for the next ``flush(_:)``. The handshake must be over.
    func send(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        guard !hasFailed, !hasClosed, unsafe !bytes.isEmpty else { return }
        ERR_clear_error()
        // A memory buffer takes everything, so that there is nothing to be tried again.
        guard unsafe SSL_write(handle, bytes.baseAddress!, Int32(bytes.count)) == Int32(bytes.count) else {
            throw fail("sending before the handshake was over")
        }
    }

    /// Says in the next ``flush(_:)`` that nothing more will be sent, so that the other side knows that it has all.
    func close() {
        guard !hasFailed, !hasClosed, isOpen else { return }
        hasClosed = true
        unsafe SSL_shutdown(handle)
        ERR_clear_error()
    }

    /// Hands over what must be written to the socket; also after an error, when it is the alert that says why.
    func flush(_ write: (UnsafeRawBufferPointer) -> Void) {
        var contents: UnsafeMutablePointer<CChar>?
        let count = unsafe spillway_bio_contents(output, &contents)
        guard count > 0 else { return }
        unsafe write(UnsafeRawBufferPointer(start: contents, count: count))
        unsafe spillway_bio_clear(output)
    }

    private func fail(_ message: String) -> TLSError {
        hasFailed = true
        return TLSError.fromOpenSSL(.protocol, message)
    }
}
