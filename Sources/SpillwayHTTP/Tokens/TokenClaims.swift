/// What the second part of a token claims (RFC 7519, section 4.1; `scope` as in RFC 8693, section 4.2).
struct TokenClaims: Decodable {
    /// At most so many members.
    static let memberLimit = 256
    /// The last second of the year 9999, so that no arithmetic on times overflows.
    private static let latestSecond = 253_402_300_799.0

    let issuer: String?
    let subject: String?
    let audiences: [String]?
    let expiresAtMs: Int64?
    let notBeforeMs: Int64?
    let issuedAtMs: Int64?
    let scopes: [String]

    /// Claims in the form that most issuers write (``PlainJSON``), each once and no others; `nil` leaves it to the decoder.
    init?(plain bytes: Span<UInt8>) {
        var json = PlainJSON()
        var texts: [Range<Int>?] = [nil, nil, nil, nil]
        var times: [Int64?] = [nil, nil, nil]
        guard json.take(UInt8(ascii: "{"), bytes) else { return nil }
        repeat {
            guard let name = json.name(bytes) else { return nil }
            if json.isAtText(bytes) {
                guard let place = Self.textNames.firstIndex(where: { bytes.isWord($0, at: name) }),
                    texts[place] == nil, let value = json.text(bytes)
                else { return nil }
                texts[place] = value
            } else {
                guard let place = Self.timeNames.firstIndex(where: { bytes.isWord($0, at: name) }),
                    times[place] == nil, let value = json.integer(bytes), value <= Int64(Self.latestSecond)
                else { return nil }
                times[place] = value * 1000
            }
        } while json.take(UInt8(ascii: ","), bytes)
        guard json.take(UInt8(ascii: "}"), bytes), json.isAtEnd(bytes) else { return nil }
        issuer = texts[0].map { bytes.string(at: $0) }
        subject = texts[1].map { bytes.string(at: $0) }
        audiences = texts[2].map { [bytes.string(at: $0)] }
        scopes = texts[3].map { bytes.string(at: $0).split(separator: " ").map(String.init) } ?? []
        expiresAtMs = times[0]
        notBeforeMs = times[1]
        issuedAtMs = times[2]
    }

    private static let textNames: [StaticString] = ["iss", "sub", "aud", "scope"]
    private static let timeNames: [StaticString] = ["exp", "nbf", "iat"]

    private enum CodingKeys: String, CodingKey {
        case issuer = "iss"
        case subject = "sub"
        case audience = "aud"
        case expires = "exp"
        case notBefore = "nbf"
        case issuedAt = "iat"
        case scope
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        // `decodeIfPresent` takes null for absent; a claim that is there and null is a mistake and refused.
        func text(_ key: CodingKeys) throws -> String? {
            members.contains(key) ? try members.decode(String.self, forKey: key) : nil
        }
        func texts(_ key: CodingKeys) throws -> [String]? {
            guard members.contains(key) else { return nil }
            if let one = try? members.decode(String.self, forKey: key) { return [one] }
            return try members.decode([String].self, forKey: key)
        }
        func milliseconds(_ key: CodingKeys) throws -> Int64? {
            guard members.contains(key) else { return nil }
            let seconds = try members.decode(Double.self, forKey: key)
            guard seconds >= 0, seconds <= Self.latestSecond else {
                throw DecodingError.dataCorruptedError(forKey: key, in: members, debugDescription: "out of range")
            }
            return Int64(seconds * 1000)
        }
        issuer = try text(.issuer)
        subject = try text(.subject)
        audiences = try texts(.audience)
        expiresAtMs = try milliseconds(.expires)
        notBeforeMs = try milliseconds(.notBefore)
        issuedAtMs = try milliseconds(.issuedAt)
        scopes = try (texts(.scope) ?? []).flatMap { $0.split(separator: " ").map(String.init) }
    }
}
