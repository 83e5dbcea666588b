/// The name of a header field; letters' case does not matter when names are compared.
public struct HTTPFieldName: Hashable, Sendable, CustomStringConvertible {
    /// As it is written on the wire.
    let written: [UInt8]
    /// In small letters.
    let canonical: [UInt8]

    /// Makes a name. It must be a token of RFC 9110 (5.6.2): letters, digits and some punctuation.
    public init(_ name: String) {
        written = Array(name.utf8)
        precondition(
            !written.isEmpty && written.allSatisfy(ByteClass.isToken), "'\(name)' can't be a header field's name")
        canonical = written.map(ByteClass.lowercased)
    }

    /// The name as it is written.
    public var description: String { String(decoding: written, as: UTF8.self) }

    /// By their small letters.
    public static func == (left: Self, right: Self) -> Bool { left.canonical == right.canonical }
    /// By the small letters.
    public func hash(into hasher: inout Hasher) { hasher.combine(canonical) }

    /// Whether the bytes are this name, in whatever case.
    func matches(_ bytes: Span<UInt8>) -> Bool {
        if bytes.count != canonical.count { return false }
        for index in canonical.indices where ByteClass.lowercased(bytes[index]) != canonical[index] { return false }
        return true
    }

    /// `Accept`
    public static let accept = HTTPFieldName("Accept")
    /// `Allow`
    public static let allow = HTTPFieldName("Allow")
    /// `Authorization`
    public static let authorization = HTTPFieldName("Authorization")
    /// `Cache-Control`
    public static let cacheControl = HTTPFieldName("Cache-Control")
    /// `Connection`
    public static let connection = HTTPFieldName("Connection")
    /// `Content-Length`
    public static let contentLength = HTTPFieldName("Content-Length")
    /// `Content-Type`
    public static let contentType = HTTPFieldName("Content-Type")
    /// `Date`
    public static let date = HTTPFieldName("Date")
    /// `ETag`
    public static let etag = HTTPFieldName("ETag")
    /// `Expect`
    public static let expect = HTTPFieldName("Expect")
    /// `Host`
    public static let host = HTTPFieldName("Host")
    /// `Idempotency-Key`
    public static let idempotencyKey = HTTPFieldName("Idempotency-Key")
    /// `If-None-Match`
    public static let ifNoneMatch = HTTPFieldName("If-None-Match")
    /// `Last-Event-ID`
    public static let lastEventID = HTTPFieldName("Last-Event-ID")
    /// `Origin`
    public static let origin = HTTPFieldName("Origin")
    /// `Prefer`
    public static let prefer = HTTPFieldName("Prefer")
    /// `Preference-Applied`
    public static let preferenceApplied = HTTPFieldName("Preference-Applied")
    /// `Retry-After`
    public static let retryAfter = HTTPFieldName("Retry-After")
    /// `Transfer-Encoding`
    public static let transferEncoding = HTTPFieldName("Transfer-Encoding")
    /// `Vary`
    public static let vary = HTTPFieldName("Vary")
    /// `WWW-Authenticate`
    public static let wwwAuthenticate = HTTPFieldName("WWW-Authenticate")
    /// `X-Forwarded-For`
    public static let forwardedFor = HTTPFieldName("X-Forwarded-For")
}
