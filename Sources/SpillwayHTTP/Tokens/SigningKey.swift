import COpenSSL
import Glibc

/// The secret of a data directory, with which its tokens are signed and verified (HS256: HMAC with SHA-256).
///
/// The file holds the key's bytes and nothing else: 32 random ones when we make it; a file of 32 to 1024 bytes that
/// somebody else put there is taken whole, with a newline at its end if it has one.
public struct SigningKey: Sendable {
    /// HS256 needs a key as long as its hash (RFC 7518, section 3.2).
    static let minimumBytes = 32
    static let maximumBytes = 1024
    /// The length of a signature.
    static let signatureBytes = 32

    /// The secret itself.
    let bytes: [UInt8]

    /// Takes over a key of 32 to 1024 bytes.
    public init(bytes: [UInt8]) throws(TokenKeyError) {
        guard (Self.minimumBytes...Self.maximumBytes).contains(bytes.count) else {
            throw TokenKeyError(
                .size, "an HS256 key has \(Self.minimumBytes) to \(Self.maximumBytes) bytes, this has \(bytes.count)")
        }
        self.bytes = bytes
    }

    /// A new random key.
    public static func random() throws(TokenKeyError) -> SigningKey {
        var bytes = [UInt8](repeating: 0, count: minimumBytes)
        guard unsafe RAND_bytes(&bytes, Int32(bytes.count)) == 1 else {
            throw TokenKeyError(.inputOutput, "the system has no random bytes for a new key")
        }
        return try SigningKey(bytes: bytes)
    }

    /// The signature of a token's first two parts.
    func signature(of signed: Span<UInt8>) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Self.signatureBytes)
        var length = UInt32(0)
        // HMAC reads the two spans and writes 32 bytes, which is what SHA-256 gives; nothing is kept after the call.
        let result = unsafe signed.withUnsafeBufferPointer { signed in
            unsafe HMAC(
                EVP_sha256(), bytes, Int32(bytes.count), signed.baseAddress, signed.count, &signature, &length)
        }
        precondition(unsafe result != nil && length == UInt32(Self.signatureBytes), "HMAC with SHA-256 can't fail")
        return signature
    }

    /// Whether this is the signature, in a time that does not depend on where a wrong one differs.
    func isSignature(_ signature: [UInt8], of signed: Span<UInt8>) -> Bool {
        guard signature.count == Self.signatureBytes else { return false }
        return unsafe CRYPTO_memcmp(signature, self.signature(of: signed), Self.signatureBytes) == 0
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// The length only: a secret must not get into a log.
    public var description: String { "SigningKey(\(bytes.count) bytes)" }
    /// Nothing to look into.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}
