internal import SpillwayHTTP

/// A strong entity tag of an answer's bytes, and the question whether a client has it (RFC 9110, section 13.1.2).
struct EntityTag {
    /// The tag with its quotes: `"0123456789abcdef"`.
    let text: String

    /// The tag of these bytes.
    init(of body: [UInt8]) {
        var digits: [UInt8] = [UInt8(ascii: "\"")]
        digits.reserveCapacity(18)
        let hash = BodyHash.hash(body)
        for shift in stride(from: 60, through: 0, by: -4) {
            let nibble = UInt8(truncatingIfNeeded: hash >> UInt64(shift)) & 15
            digits.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
        digits.append(UInt8(ascii: "\""))
        text = String(decoding: digits, as: UTF8.self)
    }

    /// True if the client has the answer.
    func isNamed(by request: HTTPRequest) -> Bool {
        request.hasHeader(.ifNoneMatch) && request.headers(.ifNoneMatch).contains { isNamed(by: $0) }
    }

    /// True if an `If-None-Match` header names this tag, weakly or strongly, or is `*`.
    func isNamed(by header: some StringProtocol) -> Bool {
        for part in header.split(separator: ",") {
            var tag = part.drop { $0 == " " || $0 == "\t" }
            while tag.last == " " || tag.last == "\t" { tag.removeLast() }
            if tag == "*" { return true }
            if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            if tag == text { return true }
        }
        return false
    }
}
