/// Percent decoding (RFC 3986, 2.1), once and never twice.
enum PercentEncoding {
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
