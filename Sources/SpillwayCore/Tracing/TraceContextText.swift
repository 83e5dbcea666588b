/// The text of `traceparent`: `version "-" trace-id "-" parent-id "-" trace-flags`, in lower case hexadecimal.
enum TraceContextText {
    struct Parsed {
        var high: UInt64
        var low: UInt64
        var span: UInt64
        var flags: UInt64
    }

    static func parse(_ text: [UInt8]) -> Parsed? {
        let dash = UInt8(ascii: "-")
        guard text.count >= 55, text[2] == dash, text[35] == dash, text[52] == dash,
            let version = hex(text[0..<2]), version != 0xFF,
            text.count == 55 || (version != 0 && text[55] == dash),
            let high = hex(text[3..<19]), let low = hex(text[19..<35]), high != 0 || low != 0,
            let span = hex(text[36..<52]), span != 0,
            let flags = hex(text[53..<55])
        else { return nil }
        return Parsed(high: high, low: low, span: span, flags: flags)
    }

    static func appendHex(_ value: UInt64, to bytes: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(value >> UInt64(shift) & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    private static func hex(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
