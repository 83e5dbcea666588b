/// The proxies whose `X-Forwarded-For` is believed. Without any, which is the default, the header counts for nothing.
public struct TrustedProxies: Sendable {
    private let ranges: [AddressRange]

    /// No proxy is trusted: a client's address is its connection's.
    public static let none = TrustedProxies([])

    /// Trusts the proxies with addresses in these ranges.
    public init(_ ranges: [AddressRange]) {
        self.ranges = ranges
    }

    /// Reads each range as ``AddressRange`` does.
    public init(parsing texts: [String]) throws(AddressRangeError) {
        var ranges: [AddressRange] = []
        for text in texts {
            ranges.append(try AddressRange(text))
        }
        self.init(ranges)
    }

    /// Whether no proxy is trusted, so that nobody needs to look for the header.
    public var isEmpty: Bool { ranges.isEmpty }

    /// Whether the address is a trusted proxy's.
    public func contains(_ address: ClientAddress) -> Bool {
        ranges.contains { $0.contains(address) }
    }

    /// The address of the client behind the proxies.
    ///
    /// The header is read from the right, since each proxy appends the address that it saw itself, and everything to
    /// the left of the last trusted one was written by whoever sent the request. The first address from the right that
    /// is not a trusted proxy's is the client. An entry that is no address ends the walk: then the client is the last
    /// trusted address, so that garbage can't choose whose limit is used up.
    ///
    /// - Parameters:
    ///   - peer: the address at the other end of the connection.
    ///   - headers: the values of all `X-Forwarded-For` headers in the order of their arrival.
    public func client(peer: ClientAddress, forwardedFor headers: [String]) -> ClientAddress {
        guard contains(peer) else { return peer }
        var nearest = peer
        for header in headers.reversed() {
            for entry in header.split(separator: ",", omittingEmptySubsequences: false).reversed() {
                guard let address = Self.address(in: entry) else { return nearest }
                guard contains(address) else { return address }
                nearest = address
            }
        }
        return nearest
    }

    /// One entry: an address, which some proxies give with a port (`192.0.2.1:4711`, `[2001:db8::1]:4711`).
    private static func address(in entry: Substring) -> ClientAddress? {
        var entry = entry
        while entry.first == " " || entry.first == "\t" { entry.removeFirst() }
        while entry.last == " " || entry.last == "\t" { entry.removeLast() }
        if entry.first == "[" {
            guard let end = entry.firstIndex(of: "]"), isPort(entry[entry.index(after: end)...]) else { return nil }
            let inner = entry[entry.index(after: entry.startIndex)..<end]
            return inner.contains(":") ? ClientAddress(inner) : nil
        }
        if let colon = entry.firstIndex(of: ":"), entry.contains("."), isPort(entry[colon...]) {
            return ClientAddress(entry[..<colon])
        }
        return ClientAddress(entry)
    }

    /// Whether the text is empty or `:` and a number.
    private static func isPort(_ text: Substring) -> Bool {
        guard let first = text.first else { return true }
        let digits = text.dropFirst().utf8
        return first == ":" && (1...5).contains(digits.count) && digits.allSatisfy { (48...57).contains($0) }
    }
}
