/// What both log formats do with characters that could forge lines or steer a terminal.
enum LogEscaping {
    /// C0 and C1 controls, delete, the line separators, and the marks that turn the direction of text.
    static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Appends `\u` and four hexadecimal digits; every harmful scalar fits in them.
    static func appendUnicodeEscape(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: "\\u".utf8)
        for shift: UInt32 in [12, 8, 4, 0] {
            let digit = UInt8(scalar.value >> shift & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
