import Glibc
public import SpillwayCore

/// The network address of a client, IPv4 or IPv6, without a port.
///
/// An IPv4 address that arrives mapped into IPv6 (`::ffff:192.0.2.1`, as sockets that serve both give it) equals the
/// plain IPv4 address. Sixteen bytes, no allocation, so that it serves as a dictionary's key.
public struct ClientAddress: Hashable, Sendable {
    /// The upper and the lower eight bytes in network order; IPv4 is held in its mapped form.
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address of its four bytes, the first one the most significant.
    public init(ipv4: UInt32) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(ipv4))
    }

    /// Reads an address as text: `192.0.2.1` or `2001:db8::1`. No port, brackets, zone or leading zeros; nil for
    /// anything else.
    public init?(_ text: some StringProtocol) {
        let string = String(text)
        guard (2...45).contains(string.utf8.count), !string.utf8.contains(0) else { return nil }
        var ipv4 = in_addr()
        // The pointers live for the call only, and inet_pton writes exactly the address type named by its family.
        if unsafe inet_pton(AF_INET, string, &ipv4) == 1 {
            self.init(ipv4: UInt32(bigEndian: ipv4.s_addr))
            return
        }
        var ipv6 = in6_addr()
        guard unsafe inet_pton(AF_INET6, string, &ipv6) == 1 else { return nil }
        self.init(ipv6)
    }

    /// Takes over the kernel's form of an IPv6 address.
    private init(_ address: in6_addr) {
        // Both are sixteen bytes without padding.
        let words = unsafe unsafeBitCast(address, to: (UInt64, UInt64).self)
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }

    /// The address of a socket, without its port.
    public init(_ address: SocketAddress) {
        self.init(high: address.high, low: address.low)
    }

    /// Whether this is an IPv4 address, mapped or plain.
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Whether this is 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        isIPv4 ? (low >> 24) & 0xFF == 127 : high == 0 && low == 1
    }

    /// What limits per address count by: an IPv4 address itself, of an IPv6 address its /64, since one subscriber is
    /// given at least that much and could otherwise take a new address for each connection.
    public var limitKey: ClientAddress {
        isIPv4 || isLoopback ? self : ClientAddress(high: high, low: 0)
    }
}

extension ClientAddress: CustomStringConvertible {
    /// The usual text: dotted decimal, or IPv6 as RFC 5952 shortens it.
    public var description: String {
        if isIPv4 {
            return "\((low >> 24) & 0xFF).\((low >> 16) & 0xFF).\((low >> 8) & 0xFF).\(low & 0xFF)"
        }
        var words = (high.bigEndian, low.bigEndian)
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // 16 bytes in, at most INET6_ADDRSTRLEN bytes with the closing zero out.
        guard unsafe inet_ntop(AF_INET6, &words, &text, socklen_t(text.count)) != nil else { return "::" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
