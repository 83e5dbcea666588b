/// Where the parts of a token in its compact form (RFC 7515, section 7.1) lie. Nothing of it is believed yet.
struct CompactToken {
    /// Header, dot and payload as they arrived: what the signature is over.
    let signed: Range<Int>
    /// The header's text, still encoded.
    let header: Range<Int>
    /// The payload's text, still encoded.
    let payload: Range<Int>
    /// The signature's text, still encoded; empty in an unsecured token.
    let signature: Range<Int>

    /// Splits at the dots, of which there must be two, with something before each.
    init(_ token: Span<UInt8>) throws(TokenError) {
        var first = -1
        var second = -1
        for index in 0..<token.count where token[index] == UInt8(ascii: ".") {
            if first < 0 {
                first = index
            } else if second < 0 {
                second = index
            } else {
                throw TokenError(.malformed, "a token has three parts")
            }
        }
        guard first > 0, second > first + 1 else {
            throw TokenError(.malformed, "a token has three parts")
        }
        signed = 0..<second
        header = 0..<first
        payload = first + 1..<second
        signature = second + 1..<token.count
    }
}
