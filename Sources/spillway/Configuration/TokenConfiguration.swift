/// What is asked of tokens.
struct TokenConfiguration: Sendable, Equatable {
    /// JWK set with an identity provider's keys.
    var jwksFile: String?
    /// What `iss` must be.
    var issuer: String?
    /// What `aud` must contain.
    var audience: String?
    /// Verified tokens that are remembered.
    var cacheEntries: Int

    init(_ values: OptionValues) {
        jwksFile = values.optional(OptionTable.jwksFile)
        issuer = values.optional(OptionTable.tokenIssuer)
        audience = values.optional(OptionTable.tokenAudience)
        cacheEntries = values[OptionTable.tokenCacheEntries]
    }
}
