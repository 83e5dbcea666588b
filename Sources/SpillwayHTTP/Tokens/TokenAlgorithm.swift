/// The algorithms by which a token may be signed here (RFC 7518, section 3.1; RFC 8037, section 3.1).
enum TokenAlgorithm: String {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"
}
