/// Classes of bytes in HTTP's grammar (RFC 9110 5.6.2, RFC 3986 2).
enum ByteClass {
    /// One bit set for each class a byte is in.
    private static let table: InlineArray<256, UInt8> = {
        var table = InlineArray<256, UInt8>(repeating: 0)
        for byte in 0..<256 {
            let byte = UInt8(byte)
            var bits: UInt8 = 0
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                bits |= token
            default:
                if "!#$%&'*+-.^_`|~".utf8.contains(byte) { bits |= token }
            }
            // '%' and '#' are judged by whoever reads the target.
            if byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "#") { bits |= target }
            table[Int(byte)] = bits
        }
        return table
    }()

    private static let token: UInt8 = 1
    private static let target: UInt8 = 2

    /// Whether a byte may stand in a field's name.
    static func isToken(_ byte: UInt8) -> Bool { table[Int(byte)] & token != 0 }

    /// Whether a byte may stand in a target as it is.
    static func isTarget(_ byte: UInt8) -> Bool { table[Int(byte)] & target != 0 }

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
