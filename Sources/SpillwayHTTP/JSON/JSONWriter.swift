/// Writes JSON into bytes, for the answers that are served all day; the caller sees to the structure.
package struct JSONWriter {
    /// What has been written.
    package private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: bytes to make room for at once.
    package init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    /// Writes text as it is: punctuation and names that need no escape.
    @inline(__always)
    package mutating func raw(_ text: StaticString) {
        // A constant's bytes live for ever.
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes a value that is JSON already.
    package mutating func encoded(_ json: [UInt8]) { bytes += json }

    /// Writes text that is known to need no escape (an id that was checked), in quotes.
    package mutating func plain(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes any text as a JSON string (RFC 8259, section 7).
    package mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0x0A: raw("\\n")
            case 0x0D: raw("\\r")
            case 0x09: raw("\\t")
            case 0..<0x20:
                raw("\\u00")
                bytes.append(Self.hex(byte >> 4))
                bytes.append(Self.hex(byte & 15))
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a whole number in decimal.
    package mutating func integer(_ value: Int64) { bytes.appendDecimal(Int(value)) }

    /// Writes bytes as they are.
    package mutating func append(_ more: some Collection<UInt8>) { bytes.append(contentsOf: more) }

    private static func hex(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
    }
}
