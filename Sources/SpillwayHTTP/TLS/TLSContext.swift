import COpenSSL

/// A server's certificate chain, its key and the rules of its encrypted connections; never changes.
///
/// TLS 1.2 and 1.3, with forward secrecy and authenticated encryption only; no renegotiation, no compression, no early
/// data; session tickets under keys that live as long as this object; ALPN `http/1.1`.
@safe public final class TLSContext: @unchecked Sendable {
    // Safe to share: OpenSSL counts references of a context and locks what connections share, and nothing here is
    // changed after `init`.
    let handle: OpaquePointer

    /// Ciphers of TLS 1.2; those of 1.3 are all good and stay as they are.
    private static let ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
    private static let version12: Int32 = 0x0303

    /// Reads both files, in PEM.
    ///
    /// - Parameters:
    ///   - certificateChainFile: the server's certificate first, then those that lead up to the root.
    ///   - privateKeyFile: the key of the first certificate, without a passphrase.
    /// - Throws: ``TLSError`` that names the file, also when the two don't belong together.
    public init(certificateChainFile: String, privateKeyFile: String) throws(TLSError) {
        ERR_clear_error()
        guard let handle = unsafe SSL_CTX_new(TLS_server_method()) else {
            throw TLSError.fromOpenSSL(.failed, "no TLS context")
        }
        // From here on the object is whole, and when this throws, `deinit` frees the context.
        unsafe self.handle = handle
        try unsafe Self.configure(handle)
        try unsafe Self.load(handle, certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile)
    }

    deinit {
        unsafe SSL_CTX_free(handle)
    }

    /// How long the certificate is still valid; negative when it has expired.
    public var certificateRemaining: Duration {
        var days = Int32(0)
        var seconds = Int32(0)
        // The certificate belongs to the context; a missing start means now.
        guard let certificate = unsafe SSL_CTX_get0_certificate(handle),
            unsafe ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(certificate)) == 1
        else { return .zero }
        return .seconds(Int64(days) * 86_400 + Int64(seconds))
    }

    private static func configure(_ handle: OpaquePointer) throws(TLSError) {
        unsafe spillway_ssl_ctx_set_server_options(handle)
        guard unsafe spillway_ssl_ctx_set_min_version(handle, version12) == 1,
            unsafe SSL_CTX_set_cipher_list(handle, ciphers) == 1
        else { throw TLSError.fromOpenSSL(.failed, "this OpenSSL lacks the ciphers") }
        // OpenSSL would ask for a passphrase at the terminal, and a server would hang there.
        unsafe SSL_CTX_set_default_passwd_cb(handle) { _, _, _, _ in -1 }
        // Both pointers lead into the client's list of protocols, or to a constant that lives for ever.
        unsafe SSL_CTX_set_alpn_select_cb(
            handle,
            { _, selected, selectedLength, offered, offeredLength, _ in
                var index = 0
                while index < Int(offeredLength) {
                    let length = unsafe Int(offered![index])
                    let name = unsafe UnsafeBufferPointer(
                        start: offered! + index + 1, count: min(length, Int(offeredLength) - index - 1))
                    if unsafe name.elementsEqual("http/1.1".utf8) {
                        unsafe selected!.pointee = name.baseAddress
                        unsafe selectedLength!.pointee = UInt8(length)
                        return SSL_TLSEXT_ERR_OK
                    }
                    index += length + 1
                }
                // Who speaks something else only must not get answers in HTTP (the ALPACA attack, 2021).
                return SSL_TLSEXT_ERR_ALERT_FATAL
            }, nil)
    }

    private static func load(
        _ handle: OpaquePointer, certificateChainFile: String, privateKeyFile: String
    ) throws(TLSError) {
        guard unsafe SSL_CTX_use_certificate_chain_file(handle, certificateChainFile) == 1 else {
            throw TLSError.fromOpenSSL(.certificate, "can't use the certificate chain in \(certificateChainFile)")
        }
        guard unsafe SSL_CTX_use_PrivateKey_file(handle, privateKeyFile, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError.fromOpenSSL(
                .privateKey, "can't use the private key in \(privateKeyFile), which must have no passphrase")
        }
        guard unsafe SSL_CTX_check_private_key(handle) == 1 else {
            throw TLSError.fromOpenSSL(
                .privateKey, "the key in \(privateKeyFile) is not that of \(certificateChainFile)")
        }
    }
}
