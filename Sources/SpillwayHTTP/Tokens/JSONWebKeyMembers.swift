internal import SpillwayCore

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
        guard algorithmName == nil || algorithmName == algorithm.rawValue else { return nil }
        guard hasValidNumbers(for: algorithm) else {
            throw TokenKeyError(.malformed, "\(name): a number is missing, is not base64url or has the wrong length")
        }
        return algorithm
    }

    /// Whether the numbers that make up the key are canonical base64url and of the curve's length.
    private func hasValidNumbers(for algorithm: TokenAlgorithm) -> Bool {
        func length(_ text: String?) -> Int { text.flatMap { Base64URL.decode(Array($0.utf8).span)?.count } ?? 0 }
        return switch algorithm {
        case .rs256: length(publicPart.n) > 0 && (1...8).contains(length(publicPart.e))
        case .es256: length(publicPart.x) == 32 && length(publicPart.y) == 32
        case .edDSA: length(publicPart.x) == 32
        case .hs256: false
        }
    }
}
