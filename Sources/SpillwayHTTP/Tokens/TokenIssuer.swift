import FoundationEssentials
internal import SpillwayCore

/// Signs tokens with a data directory's key (HS256).
///
/// It needs the key only, so it works beside a running server.
public struct TokenIssuer: Sendable {
    /// The header of all tokens made here.
    private static let header = Base64URL.encode(#"{"alg":"HS256","typ":"JWT"}"#.utf8)

    private let key: SigningKey
    private let issuer: String?
    private let audience: String?

    /// Makes an issuer; what `iss` and `aud` will be, if anything, must be what the server requires.
    public init(key: SigningKey, issuer: String? = nil, audience: String? = nil) {
        self.key = key
        self.issuer = issuer
        self.audience = audience
    }

    /// Signs a token.
    ///
    /// - Parameters:
    ///   - subject: who it speaks for, 1 to 255 bytes without control characters.
    ///   - scopes: what it allows besides; each without spaces.
    ///   - issuedAtMs: the present moment, in milliseconds since 1970 UTC.
    ///   - lifetime: how long it is valid, at least a second.
    /// - Throws: ``TokenError`` with ``TokenError/Code/invalidSubject`` or ``TokenError/Code/malformed``.
    public func token(
        subject: String, scopes: [String] = [], issuedAtMs: Int64, lifetime: Duration
    ) throws(TokenError) -> String {
        guard Principal.isValidSubject(subject) else {
            throw TokenError(.invalidSubject, "a user is 1 to 255 bytes without control characters")
        }
        guard scopes.allSatisfy({ !$0.isEmpty && !$0.contains(" ") && Principal.isValidSubject($0) }) else {
            throw TokenError(.malformed, "a scope is a word without spaces and control characters")
        }
        let issuedAt = issuedAtMs / 1000
        guard lifetime >= .seconds(1), lifetime <= .seconds(100 * 365 * 86_400) else {
            throw TokenError(.malformed, "a token lives for a second to a hundred years")
        }
        let claims = Claims(
            sub: subject, iat: issuedAt, exp: issuedAt + lifetime.components.seconds, iss: issuer, aud: audience,
            scope: scopes.isEmpty ? nil : scopes.joined(separator: " "))
        guard let payload = try? Self.encoder.encode(claims) else {
            throw TokenError(.malformed, "the claims can't be written as JSON")
        }
        var token = Self.header
        token.append(UInt8(ascii: "."))
        token += Base64URL.encode(payload)
        let signature = Base64URL.encode(key.signature(of: token.span))
        token.append(UInt8(ascii: "."))
        token += signature
        return String(decoding: token, as: UTF8.self)
    }

    /// Whether the text is the header of a token made here, which then needs no decoding.
    static func isOwnHeader(_ text: Span<UInt8>) -> Bool {
        guard text.count == header.count else { return false }
        for index in 0..<text.count where text[index] != header[index] {
            return false
        }
        return true
    }

    private struct Claims: Encodable {
        let sub: String
        let iat: Int64
        let exp: Int64
        let iss: String?
        let aud: String?
        let scope: String?
    }

    /// Made once; its options are never changed after that.
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()
}
