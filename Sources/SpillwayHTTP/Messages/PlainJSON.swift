/// Walks over the JSON that nearly every client sends: objects of plain members, whose texts are visible ASCII without
/// escapes and whose numbers are short integers.
///
/// Whatever is not of that form, right or wrong, it can't take, and the caller leaves it to a JSON decoder; so it never
/// decides that a text is bad, and must never accept what a decoder would refuse. Equal names are the caller's to find.
///
/// The bytes are handed to each call; they must be the same ones.
public struct PlainJSON: Sendable {
    @usableFromInline var index = 0

    /// Stands at the first byte.
    @inlinable
    public init() {}

    /// The inside of a text, if one stands next.
    @inlinable
    public mutating func text(_ bytes: Span<UInt8>) -> Range<Int>? {
        guard take(UInt8(ascii: "\""), bytes) else { return nil }
        let start = index
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return start..<(index - 1)
            }
            if byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\\") { return nil }
            index += 1
        }
        return nil
    }

    /// An integer of 1 to 15 digits without a sign, if one stands next and ends there.
    @inlinable
    public mutating func integer(_ bytes: Span<UInt8>) -> Int64? {
        skipSpace(bytes)
        let start = index
        var value: Int64 = 0
        while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") {
            value = value &* 10 &+ Int64(bytes[index] &- UInt8(ascii: "0"))
            index += 1
            if index - start > 15 { return nil }
        }
        if index == start || (bytes[start] == UInt8(ascii: "0") && index - start > 1) { return nil }
        guard index < bytes.count else { return value }
        switch bytes[index] {
        case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): return nil
        default: return value
        }
    }

    /// The name of a member and the colon behind it, if they stand next.
    @inlinable
    public mutating func name(_ bytes: Span<UInt8>) -> Range<Int>? {
        guard let name = text(bytes), take(UInt8(ascii: ":"), bytes) else { return nil }
        return name
    }

    /// Skips white space, then takes the byte if it is the one asked for.
    @inlinable
    public mutating func take(_ wanted: UInt8, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        guard index < bytes.count, bytes[index] == wanted else { return false }
        index += 1
        return true
    }

    /// Whether a text stands next.
    @inlinable
    public mutating func isAtText(_ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        return index < bytes.count && bytes[index] == UInt8(ascii: "\"")
    }

    /// Whether nothing but white space is left.
    @inlinable
    public mutating func isAtEnd(_ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        return index == bytes.count
    }

    @inlinable
    mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }
}

extension Span<UInt8> {
    /// Whether a part of the bytes is this word.
    @inlinable
    public func isWord(_ word: StaticString, at range: Range<Int>) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where unsafe self[range.lowerBound + offset] != word.utf8Start[offset] {
            return false
        }
        return true
    }

    /// A part of the bytes as a string.
    @inlinable
    public func string(at range: Range<Int>) -> String {
        unsafe extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
