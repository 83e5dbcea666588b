/// What the first part of a token says about how it is signed (RFC 7515, section 4.1).
///
/// Keys that a token brings along (`jwk`, `jku`, `x5c`, `x5u`) are not even read: only configured keys count.
struct TokenHeader: Decodable {
    /// At most so many members; real ones have two to four.
    static let memberLimit = 32

    let algorithm: String
    let keyID: String?

    /// The header of the tokens that ``TokenIssuer`` makes.
    static let own = TokenHeader(algorithm: TokenAlgorithm.hs256.rawValue, keyID: nil)

    private init(algorithm: String, keyID: String?) {
        self.algorithm = algorithm
        self.keyID = keyID
    }

    private enum CodingKeys: String, CodingKey {
        case algorithm = "alg"
        case keyID = "kid"
        case type = "typ"
        case critical = "crit"
        case unencoded = "b64"
        case compression = "zip"
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        algorithm = try members.decode(String.self, forKey: .algorithm)
        keyID = members.contains(.keyID) ? try members.decode(String.self, forKey: .keyID) : nil
        // We understand no extension, and one that is critical must be understood.
        guard !members.contains(.critical), !members.contains(.unencoded), !members.contains(.compression) else {
            throw TokenError(.unsupported, "the token uses an extension that is not supported (crit, b64 or zip)")
        }
        // A token that was made for another purpose must not pass as one for access (RFC 8725, section 3.11).
        if members.contains(.type) {
            var type = try members.decode(String.self, forKey: .type).lowercased()
            if type.hasPrefix("application/") { type.removeFirst("application/".count) }
            guard type == "jwt" || type == "at+jwt" else {
                throw TokenError(.unsupported, "typ must be JWT or at+jwt")
            }
        }
    }
}
