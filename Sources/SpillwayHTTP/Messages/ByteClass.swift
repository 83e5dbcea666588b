/// Classes of bytes in HTTP's grammar (RFC 9110 5.6.2, RFC 3986 2).
enum ByteClass {
    /// A bit for each byte that a token may hold: digits, letters, and !#$%&'*+-.^_`|~. Two words need no look-up.
    private static let lowTokens: UInt64 = 0x03ff_6cfa_0000_0000
    private static let highTokens: UInt64 = 0x57ff_ffff_c7ff_fffe

    /// Whether a byte may stand in a field's name.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        byte < 128 && (byte < 64 ? lowTokens : highTokens) &>> UInt64(byte & 63) & 1 != 0
    }

    /// Whether a byte may stand in a target as it is. '%' and '#' are judged by whoever reads the target.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "#")
    }

    /// Whether each byte may stand in a target as it is.
    static func areOfTarget(_ bytes: Span<UInt8>) -> Bool {
        areAll(
            bytes,
            inWord: { word in
                word | below(33, word) | equal(to: 127, word) | equal(to: UInt8(ascii: "%"), word)
                    | equal(to: UInt8(ascii: "#"), word)
            }, isTarget)
    }

    /// Whether none of the bytes is below 32 or is 127.
    static func areFreeOfControls(_ bytes: Span<UInt8>) -> Bool {
        areAll(bytes, inWord: { below(32, $0) | equal(to: 127, $0) }, { $0 >= 32 && $0 != 127 })
    }

    /// Tests eight bytes at a time (Warren, "Hacker's Delight", 6-1), and what is left over one by one.
    ///
    /// - Parameter found: sets a byte's top bit if a byte of the word fails; other bits say nothing.
    @inline(__always)
    private static func areAll(
        _ bytes: Span<UInt8>, inWord found: (UInt64) -> UInt64, _ isGood: (UInt8) -> Bool
    ) -> Bool {
        var offset = 0
        while offset + 8 <= bytes.count {
            // Safe: the range was just checked.
            let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
            if found(word) & 0x8080_8080_8080_8080 != 0 { return false }
            offset += 8
        }
        while offset < bytes.count {
            if !isGood(bytes[offset]) { return false }
            offset += 1
        }
        return true
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101

    @inline(__always)
    private static func below(_ limit: UInt64, _ word: UInt64) -> UInt64 { (word &- ones &* limit) & ~word }

    @inline(__always)
    private static func equal(to byte: UInt8, _ word: UInt64) -> UInt64 {
        let zeros = word ^ (ones &* UInt64(byte))
        return (zeros &- ones) & ~zeros
    }

    static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
