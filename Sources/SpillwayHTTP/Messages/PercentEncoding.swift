/// Percent encoding, and decoding, once and never twice (RFC 3986, 2.1).
package enum PercentEncoding {
    /// The text with all but unreserved characters escaped: for one segment of a path, or one value of a query.
    package static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Appends the decoded bytes.
    ///
    /// - Parameter plusIsSpace: as forms and browsers write queries.
    /// - Returns: False if a percent sign is not followed by two hexadecimal digits.
    static func decode(_ bytes: Span<UInt8>, plusIsSpace: Bool, into decoded: inout [UInt8]) -> Bool {
        if bytes.place(of: UInt8(ascii: "%")) == bytes.count,
            !plusIsSpace || bytes.place(of: UInt8(ascii: "+")) == bytes.count
        {
            decoded.append(bytes: bytes)
            return true
        }
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.count, let high = ByteClass.hexValue(bytes[index + 1]),
                    let low = ByteClass.hexValue(bytes[index + 2])
                else { return false }
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? 32 : byte)
                index += 1
            }
        }
        return true
    }

    /// The decoded text; nil if an escape is bad or the result is not UTF-8.
    static func text(_ bytes: Span<UInt8>, plusIsSpace: Bool) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        guard decode(bytes, plusIsSpace: plusIsSpace, into: &decoded) else { return nil }
        return String(validating: decoded, as: UTF8.self)
    }
}
