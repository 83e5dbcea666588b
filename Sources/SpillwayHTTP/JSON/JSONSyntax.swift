/// Says whether bytes are a JSON text (RFC 8259) in UTF-8. The JSON decoder looks only at what it is asked for: it takes
/// trailing commas, and in members that nobody reads also bad numbers, bad escapes and bytes that are not UTF-8.
package struct JSONSyntax {
    /// How deep arrays and objects may be inside each other.
    package static let maximumDepth = 128

    private enum Expected {
        case value, firstItem, name, firstName, separator
    }

    private var index = 0
    /// The arrays (false) and objects (true) that are open.
    private var open: [Bool] = []

    package static func isValid(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var syntax = JSONSyntax()
        return syntax.scan(bytes.span)
    }

    private mutating func scan(_ bytes: Span<UInt8>) -> Bool {
        var expected = Expected.value
        while true {
            skipSpace(bytes)
            if expected == .separator && open.isEmpty { return index == bytes.count }
            guard let next = step(bytes, expected) else { return false }
            expected = next
        }
    }

    /// Takes what is expected; nil if something else is there.
    private mutating func step(_ bytes: Span<UInt8>, _ expected: Expected) -> Expected? {
        switch expected {
        case .firstItem:
            return take("]", bytes) ? close() : value(bytes)
        case .value:
            return value(bytes)
        case .firstName:
            return take("}", bytes) ? close() : name(bytes)
        case .name:
            return name(bytes)
        case .separator:
            guard let isObject = open.last else { return nil }
            if take(",", bytes) { return isObject ? .name : .value }
            return take(isObject ? "}" : "]", bytes) ? close() : nil
        }
    }

    private mutating func close() -> Expected {
        open.removeLast()
        return .separator
    }

    private mutating func name(_ bytes: Span<UInt8>) -> Expected? {
        guard take("\"", bytes), string(bytes) else { return nil }
        skipSpace(bytes)
        return take(":", bytes) ? .value : nil
    }

    private mutating func value(_ bytes: Span<UInt8>) -> Expected? {
        if take("\"", bytes) { return string(bytes) ? .separator : nil }
        if take("{", bytes) { return enter(true) }
        if take("[", bytes) { return enter(false) }
        let isWhole = word("true", bytes) || word("false", bytes) || word("null", bytes) || number(bytes)
        return isWhole ? .separator : nil
    }

    private mutating func enter(_ isObject: Bool) -> Expected? {
        guard open.count < Self.maximumDepth else { return nil }
        open.append(isObject)
        return isObject ? .firstName : .firstItem
    }

    /// The rest of a string behind its first quote.
    private mutating func string(_ bytes: Span<UInt8>) -> Bool {
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case 0..<0x20: return false
            case UInt8(ascii: "\\"): if !escape(bytes) { return false }
            default: continue
            }
        }
        return false
    }

    private mutating func escape(_ bytes: Span<UInt8>) -> Bool {
        guard index < bytes.count else { return false }
        let byte = bytes[index]
        index += 1
        guard byte == UInt8(ascii: "u") else { return Self.isEscaped(byte) }
        for _ in 0..<4 {
            guard index < bytes.count, Self.isHexDigit(bytes[index]) else { return false }
            index += 1
        }
        return true
    }

    private mutating func number(_ bytes: Span<UInt8>) -> Bool {
        _ = take("-", bytes)
        if !take("0", bytes), !digits(bytes) { return false }
        if take(".", bytes), !digits(bytes) { return false }
        if take("e", bytes) || take("E", bytes) {
            if !take("+", bytes) { _ = take("-", bytes) }
            return digits(bytes)
        }
        return true
    }

    /// One digit or more.
    private mutating func digits(_ bytes: Span<UInt8>) -> Bool {
        let start = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        return index > start
    }

    private mutating func word(_ word: StaticString, _ bytes: Span<UInt8>) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count - index >= count else { return false }
        // A constant's bytes live for ever.
        for offset in 0..<count where unsafe bytes[index + offset] != word.utf8Start[offset] { return false }
        index += count
        return true
    }

    private mutating func take(_ wanted: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: wanted) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    /// Whether it may stand behind a backslash by itself.
    private static func isEscaped(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            true
        default: false
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
