internal import CLibuv
internal import Glibc

/// A numeric IPv4 or IPv6 address with a port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// The upper and lower eight bytes of the IPv6 address; an IPv4 address is held mapped (`::ffff:a.b.c.d`).
    public var high: UInt64
    /// See ``high``.
    public var low: UInt64
    /// The port.
    public var port: UInt16

    /// Whether the address is IPv4, plain or mapped into IPv6.
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// Makes an address of its parts.
    public init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    /// Reads a numeric address without brackets; `localhost` is 127.0.0.1. No names are looked up.
    ///
    /// - Throws: ``EventLoopError`` with ``EventLoopError/Code/invalidAddress``.
    public init(host: String, port: UInt16) throws {
        let host = host == "localhost" ? "127.0.0.1" : host
        var storage = sockaddr_storage()
        let result = unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            let v4 = unsafe uv_ip4_addr(host, 0, bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in.self))
            if v4 == 0 { return v4 }
            return unsafe uv_ip6_addr(host, 0, bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in6.self))
        }
        guard result == 0, let address = SocketAddress(storage) else {
            throw EventLoopError(code: .invalidAddress, operation: "'\(host)' is no IPv4 or IPv6 address")
        }
        self = address
        self.port = port
    }

    /// Takes over what the kernel gave; nil for other families.
    init?(_ storage: sockaddr_storage) {
        switch Int32(storage.ss_family) {
        case AF_INET:
            let address = unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in.self) }
            self.init(
                high: 0, low: 0xFFFF_0000_0000 | UInt64(UInt32(bigEndian: address.sin_addr.s_addr)),
                port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = unsafe withUnsafeBytes(of: storage) { unsafe $0.load(as: sockaddr_in6.self) }
            // Both are sixteen bytes without padding.
            let words = unsafe unsafeBitCast(address.sin6_addr, to: (UInt64, UInt64).self)
            self.init(
                high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1),
                port: UInt16(bigEndian: address.sin6_port))
        default:
            return nil
        }
    }

    /// The form that the kernel takes.
    var storage: sockaddr_storage {
        var storage = sockaddr_storage()
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            if isIPv4 {
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = port.bigEndian
                address.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
                unsafe bytes.storeBytes(of: address, as: sockaddr_in.self)
            } else {
                var address = sockaddr_in6()
                address.sin6_family = sa_family_t(AF_INET6)
                address.sin6_port = port.bigEndian
                // Both are sixteen bytes without padding.
                address.sin6_addr = unsafe unsafeBitCast((high.bigEndian, low.bigEndian), to: in6_addr.self)
                unsafe bytes.storeBytes(of: address, as: sockaddr_in6.self)
            }
        }
        return storage
    }

    /// `127.0.0.1:8080` or `[::1]:8080`.
    public var description: String {
        var storage = storage
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN) + 1)
        let isIPv4 = isIPv4
        unsafe withUnsafeMutableBytes(of: &storage) { bytes in
            if isIPv4 {
                _ = unsafe uv_ip4_name(
                    bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in.self), &text, text.count)
            } else {
                _ = unsafe uv_ip6_name(
                    bytes.baseAddress!.assumingMemoryBound(to: sockaddr_in6.self), &text, text.count)
            }
        }
        let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return isIPv4 ? "\(host):\(port)" : "[\(host)]:\(port)"
    }
}
