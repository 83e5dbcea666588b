import COpenSSL

/// What went wrong with certificates or on an encrypted connection.
public struct TLSError: Error, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// The certificate chain can't be read or is none.
        public static let certificate = Code("certificate")
        /// The private key can't be read, has a passphrase or does not belong to the certificate.
        public static let privateKey = Code("private-key")
        /// The other side broke the protocol or offered nothing that is allowed here.
        public static let `protocol` = Code("protocol")
        /// OpenSSL failed by itself, for want of memory.
        public static let failed = Code("failed")
    }

    /// What users match on.
    public let code: Code
    /// What is wrong and what to do.
    public let message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool { code == .failed }
    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// An error with OpenSSL's reason at its end; the thread's queue of errors is empty afterwards.
    static func fromOpenSSL(_ code: Code, _ message: String) -> TLSError {
        let number = ERR_peek_last_error()
        ERR_clear_error()
        guard number != 0 else { return TLSError(code, message) }
        // The texts of reasons are static; an unknown reason has none.
        let reason = unsafe ERR_reason_error_string(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        return TLSError(code, "\(message): \(reason)")
    }
}
