/// Base64 with the alphabet for URLs and without padding, as RFC 7515 (section 2) wants it.
///
/// Decoding is strict, so that each byte string has exactly one text: no padding, no other alphabet, no white space, no
/// length that can't occur, and the bits that the last character has too many must be zero. A lenient decoder would let
/// anybody make other tokens of a valid one, each of which would take its own place in a cache.
package enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The value of each character, 0xFF for those that are outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() {
            values[Int(character)] = UInt8(value)
        }
        return values
    }()

    /// The decoded bytes, or nil if the text is not the one canonical encoding of any.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        let count = text.count
        guard count % 4 != 1 else { return nil }
        let values = values.span
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 3 / 4)
        var bits: UInt32 = 0
        var invalid: UInt8 = 0
        for index in 0..<count {
            let value = values[Int(text[index])]
            invalid |= value & 0x80
            bits = bits << 6 | UInt32(value & 0x3F)
            switch index % 4 {
            case 1: bytes.append(UInt8(truncatingIfNeeded: bits >> 4))
            case 2: bytes.append(UInt8(truncatingIfNeeded: bits >> 2))
            case 3: bytes.append(UInt8(truncatingIfNeeded: bits))
            default: break
            }
        }
        let spareBits: UInt32 = count % 4 == 2 ? 0x0F : count % 4 == 3 ? 0x03 : 0
        return invalid == 0 && bits & spareBits == 0 ? bytes : nil
    }

    /// The one encoding of the bytes.
    package static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var pending = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            pending += 8
            while pending >= 6 {
                pending -= 6
                text.append(alphabet[Int(bits >> UInt32(pending)) & 0x3F])
            }
        }
        if pending > 0 {
            text.append(alphabet[Int(bits << UInt32(6 - pending)) & 0x3F])
        }
        return text
    }
}
