public import SpillwayCore

/// Finds out whom a request speaks for, by its bearer token (RFC 6750). Handlers call it.
///
/// Refusals are ``Problem``s with `WWW-Authenticate`: 401 without a token or with a bad one, 403 when the token lacks a
/// scope, 400 for two `Authorization` fields. The same token in the query or in a form counts for nothing.
public struct Authentication: Sendable {
    private let authenticator: TokenAuthenticator
    private let time: any TimeSource

    /// Makes a check of tokens.
    public init(_ authenticator: TokenAuthenticator, time: any TimeSource = SystemTimeSource()) {
        self.authenticator = authenticator
        self.time = time
    }

    /// Whom the request speaks for; throws if it has no token, or one that is not good.
    ///
    /// - Parameters:
    ///   - request: the request.
    ///   - scope: what the token must allow besides; nil (the default): nothing.
    public func principal(of request: HTTPRequest, scope: String? = nil) throws(Problem) -> Principal {
        guard let principal = try optionalPrincipal(of: request) else { throw Self.noToken }
        if let scope, !principal.hasScope(scope) { throw Self.insufficientScope(scope) }
        return principal
    }

    /// Whom the request speaks for; nil if it has no token. One that is not good is refused here too, so that nobody is
    /// served as a stranger without noticing it.
    public func optionalPrincipal(of request: HTTPRequest) throws(Problem) -> Principal? {
        let storage = request.storage
        let bytes = storage.bytes
        var value: Range<Int>?
        for field in storage.fields where HTTPFieldName.authorization.matches(bytes.span.extracting(field.name)) {
            guard value == nil else { throw Problem(.badRequest, detail: "there are two Authorization fields") }
            value = field.value
        }
        guard let value else { return nil }
        guard let token = Self.token(in: bytes.span.extracting(value)) else { throw Self.noToken }
        let start = value.lowerBound
        do {
            return try authenticator.principal(
                for: bytes.span.extracting(start + token.lowerBound..<start + token.upperBound),
                nowMs: time.wallMilliseconds())
        } catch {
            throw Self.refusal(error)
        }
    }

    /// Where the token stands in the field's value; nil for another scheme.
    private static func token(in value: Span<UInt8>) -> Range<Int>? {
        let scheme: StaticString = "bearer"
        let length = scheme.utf8CodeUnitCount
        guard value.count > length else { return nil }
        // A constant's bytes live for ever.
        for index in 0..<length where unsafe ByteClass.lowercased(value[index]) != scheme.utf8Start[index] {
            return nil
        }
        var start = length
        while start < value.count, value[start] == UInt8(ascii: " ") { start += 1 }
        return start > length ? start..<value.count : nil
    }

    private static let noToken = Problem(
        .unauthorized, detail: "this needs a token: Authorization: Bearer …",
        fields: HTTPFields([(.wwwAuthenticate, "Bearer")]))

    private static func refusal(_ error: TokenError) -> Problem {
        Problem(
            .unauthorized, detail: error.message,
            fields: HTTPFields([
                (.wwwAuthenticate, "Bearer error=\"invalid_token\", error_description=\"\(error.message)\"")
            ]))
    }

    private static func insufficientScope(_ scope: String) -> Problem {
        Problem(
            .forbidden, detail: "the token lacks the scope \(scope)",
            fields: HTTPFields([(.wwwAuthenticate, "Bearer error=\"insufficient_scope\", scope=\"\(scope)\"")]))
    }
}
