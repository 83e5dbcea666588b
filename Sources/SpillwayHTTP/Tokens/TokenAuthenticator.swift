import Synchronization

/// Answers for a token who is asking: from its cache, or by verifying.
public final class TokenAuthenticator: Sendable {
    private let verifier: Mutex<TokenVerifier>
    private let cache: TokenCache

    /// Makes an authenticator with an empty cache.
    public init(verifier: TokenVerifier, cacheLimits: TokenCache.Limits = TokenCache.Limits()) {
        self.verifier = Mutex(verifier)
        cache = TokenCache(limits: cacheLimits)
    }

    /// How many verified tokens are remembered, for a metric.
    public var rememberedTokens: Int { cache.count }

    /// Whom the token speaks for.
    ///
    /// - Parameters:
    ///   - token: the token's bytes, as they stand in the request.
    ///   - nowMs: the present moment in milliseconds since 1970 UTC; a remembered token also ends with its `exp`.
    public func principal(for token: Span<UInt8>, nowMs: Int64) throws(TokenError) -> Principal {
        if let principal = cache.principal(for: token, nowMs: nowMs) { return principal }
        // Before the verifier is read: should the keys change from here on, the result is used but not remembered.
        let generation = cache.generation(for: token)
        let verifier = verifier.withLock { $0 }
        let principal = try verifier.verify(token, nowMs: nowMs)
        cache.insert(token, principal: principal, generation: generation, nowMs: nowMs)
        return principal
    }

    /// Goes on with other keys: what the old ones verified is forgotten.
    public func replaceVerifier(_ newVerifier: TokenVerifier) {
        verifier.withLock { $0 = newVerifier }
        cache.removeAll()
    }

    /// Reads the JWK set anew and goes on with it; if the file is bad, the old keys stay and the error says why.
    public func reload(webKeysFile path: String) throws(TokenKeyError) {
        let keys = try JSONWebKeySet(contentsOfFile: path)
        verifier.withLock { $0 = $0.replacingKeys(.webKeys(keys)) }
        cache.removeAll()
    }
}
