/// The members of a JWK (RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2) that say whether and how it
/// can verify tokens.
struct JSONWebKeyMembers: Decodable {
    /// What makes up the public key.
    struct PublicPart: Codable {
        var kty: String
        var crv: String?
        var n: String?
        var e: String?
        var x: String?
        var y: String?
    }

    let publicPart: PublicPart
    let keyID: String?
    /// How messages call the key.
    let name: String
    private let use: String?
    private let operations: [String]?
    private let algorithmName: String?
    private let isPrivate: Bool

    private enum CodingKeys: String, CodingKey {
        case keyID = "kid"
        case algorithmName = "alg"
        case use
        case operations = "key_ops"
        case privatePart = "d"
        case symmetric = "k"
    }

    init(from decoder: any Decoder) throws {
        publicPart = try PublicPart(from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        keyID = try members.decodeIfPresent(String.self, forKey: .keyID)
        use = try members.decodeIfPresent(String.self, forKey: .use)
        operations = try members.decodeIfPresent([String].self, forKey: .operations)
        algorithmName = try members.decodeIfPresent(String.self, forKey: .algorithmName)
        isPrivate = members.contains(.privatePart) || members.contains(.symmetric)
        name = keyID.map { "key '\($0)'" } ?? "a \(publicPart.kty) key without kid"
    }

    /// The one algorithm that this key may verify; nil for a key that is for something else, which a set may well hold
    /// (RFC 7517, section 5).
    ///
    /// - Throws: ``TokenKeyError`` for a private or symmetric key: who can read the file could sign tokens.
    func algorithm() throws(TokenKeyError) -> TokenAlgorithm? {
        guard !isPrivate else {
            throw TokenKeyError(
                .malformed, "\(name) is private or symmetric: a JWK set for verifying holds public keys only")
        }
        guard use == nil || use == "sig", operations == nil || operations?.contains("verify") == true else {
            return nil
        }
        let algorithm: TokenAlgorithm
        switch (publicPart.kty, publicPart.crv) {
        case ("RSA", _): algorithm = .rs256
        case ("EC", "P-256"): algorithm = .es256
        case ("OKP", "Ed25519"): algorithm = .edDSA
        default: return nil
        }
        return algorithmName == nil || algorithmName == algorithm.rawValue ? algorithm : nil
    }
}
