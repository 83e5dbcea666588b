/// Who a verified token speaks for. One object is shared by all requests with the same token.
public final class Principal: Sendable {
    /// The token's `sub`: 1 to 255 bytes of UTF-8 without control characters.
    public let subject: String
    /// The token's `scope`, split at spaces.
    public let scopes: [String]
    /// From this moment on the token is expired, in milliseconds since 1970 UTC.
    public let expiresAtMs: Int64

    /// Makes a principal; the caller has verified what it says.
    package init(subject: String, scopes: [String], expiresAtMs: Int64) {
        self.subject = subject
        self.scopes = scopes
        self.expiresAtMs = expiresAtMs
    }

    /// Whether the token was given this scope.
    public func hasScope(_ scope: String) -> Bool {
        scopes.contains(scope)
    }

    /// Whether the text can be a subject: 1 to 255 bytes of UTF-8 without control characters (Unicode's category Cc).
    public static func isValidSubject(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}
