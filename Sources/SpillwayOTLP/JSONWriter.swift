/// Writes JSON into bytes. It puts in the commas; what is an object and what an array is the caller's to know.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    /// Opens an object, writes its members and closes it.
    mutating func object(_ members: (inout JSONWriter) -> Void) { nest("{", "}", members) }

    /// Opens an array, writes its elements and closes it.
    mutating func array(_ elements: (inout JSONWriter) -> Void) { nest("[", "]", elements) }

    /// The key of the next value; must not need escaping.
    mutating func key(_ key: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// A text, escaped.
    mutating func string(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(Self.hex(byte >> 4))
                bytes.append(Self.hex(byte & 0xF))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }

    /// A whole number of up to 32 bits, as a number.
    mutating func number(_ number: Int) { plain("\(number)") }

    /// A whole number of 64 bits, as Protobuf's JSON writes it: decimal digits in a text, since readers' numbers hold 53.
    mutating func wide(_ number: Int64) { string("\(number)") }

    /// A number; what JSON has no number for is written as Protobuf's JSON has it.
    mutating func double(_ number: Double) {
        if number.isNaN {
            string("NaN")
        } else if number.isInfinite {
            string(number < 0 ? "-Infinity" : "Infinity")
        } else {
            plain("\(number)")
        }
    }

    /// True or false.
    mutating func bool(_ value: Bool) { plain(value ? "true" : "false") }

    private mutating func plain(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func nest(_ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void) {
        separate()
        bytes.append(UInt8(ascii: open))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: close))
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = false
    }

    private static func hex(_ digit: UInt8) -> UInt8 {
        digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
}
