/// A range of addresses in CIDR notation: `10.0.0.0/8`, `2001:db8::/32`, or one address.
public struct AddressRange: Hashable, Sendable {
    private let first: ClientAddress
    private let prefixLength: Int

    /// Reads `address` or `address/bits`.
    ///
    /// - Throws: ``AddressRangeError`` when the address or the number of bits is none, or when bits are set beyond the
    ///   prefix (`10.0.0.1/8`), which is more often a slip than an intention.
    public init(_ text: String) throws(AddressRangeError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = ClientAddress(parts[0]) else {
            throw AddressRangeError("'\(text)': not an IPv4 or IPv6 address, optionally with /bits")
        }
        let width = address.isIPv4 ? 32 : 128
        var bits = width
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].utf8.count <= 3, parts[1].utf8.allSatisfy({ (48...57).contains($0) }),
                let given = Int(parts[1]), given <= width
            else {
                throw AddressRangeError("'\(text)': the number after / must be 0 to \(width)")
            }
            bits = given
        }
        prefixLength = bits + 128 - width
        first = address.masked(to: prefixLength)
        guard first == address else {
            throw AddressRangeError("'\(text)': bits are set beyond the prefix; did you mean \(first)/\(bits)?")
        }
    }

    /// Whether the address lies in this range. An IPv4 range never contains an IPv6 address, nor the other way round.
    public func contains(_ address: ClientAddress) -> Bool {
        (address.isIPv4 == first.isIPv4) && address.masked(to: prefixLength) == first
    }
}

/// A range of addresses that could not be read. The message names the text and says what is allowed.
public struct AddressRangeError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, for a person who wrote the configuration.
    public let message: String
    /// The message.
    public var description: String { message }

    init(_ message: String) {
        self.message = message
    }
}

extension ClientAddress {
    /// The address with all bits after the first `length` of its 128 cleared.
    fileprivate func masked(to length: Int) -> ClientAddress {
        // Swift's shifts of 64 or more give zero, so both ends of the range need no case of their own.
        ClientAddress(
            high: high & ~(UInt64.max >> UInt64(min(length, 64))),
            low: low & ~(UInt64.max >> UInt64(max(length - 64, 0))))
    }
}
