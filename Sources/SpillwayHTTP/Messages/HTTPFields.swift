/// The header fields of a response, held as they go over the wire: adding one appends to one array of bytes, and
/// sending them is one copy.
///
/// `Date`, `Content-Length`, `Connection` and `Transfer-Encoding` are the server's business and must not be added.
public struct HTTPFields: Sendable {
    /// `Name: value\r\n` for each field.
    package private(set) var encoded: [UInt8] = []

    /// Makes an empty list.
    public init() {}

    /// Makes a list of these fields.
    public init(_ fields: [(HTTPFieldName, String)]) {
        for (name, value) in fields { append(name, value) }
    }

    /// Whether there is none.
    public var isEmpty: Bool { encoded.isEmpty }

    /// Adds a field behind those that are there. Control characters in the value, which could end the field and begin
    /// another, become spaces.
    public mutating func append(_ name: HTTPFieldName, _ value: String) {
        begin(name, valueCount: value.utf8.count)
        for byte in value.utf8 { encoded.append(Self.harmless(byte)) }
        end()
    }

    /// Adds a field whose value is bytes.
    public mutating func append(_ name: HTTPFieldName, bytes value: Span<UInt8>) {
        begin(name, valueCount: value.count)
        for index in value.indices { encoded.append(Self.harmless(value[index])) }
        end()
    }

    /// Adds a field whose value is a number.
    public mutating func append(_ name: HTTPFieldName, _ value: Int) {
        begin(name, valueCount: 20)
        encoded.appendDecimal(value)
        end()
    }

    /// Adds a field whose value the closure writes; it must write no control characters.
    package mutating func append(_ name: HTTPFieldName, writing write: (inout [UInt8]) -> Void) {
        begin(name, valueCount: 32)
        write(&encoded)
        end()
    }

    /// Removes all fields of that name and adds this one.
    public mutating func set(_ name: HTTPFieldName, _ value: String) {
        remove(name)
        append(name, value)
    }

    /// Removes all fields of that name.
    public mutating func remove(_ name: HTTPFieldName) {
        while let found = range(of: name) { encoded.removeSubrange(found.line) }
    }

    /// Whether there is a field of that name.
    public func contains(_ name: HTTPFieldName) -> Bool { range(of: name) != nil }

    /// The value of the first field of that name.
    public subscript(_ name: HTTPFieldName) -> String? {
        range(of: name).map { String(decoding: encoded[$0.value], as: UTF8.self) }
    }

    /// All fields in their order.
    public var all: [(name: String, value: String)] {
        var fields: [(String, String)] = []
        forEachLine { line, colon in
            fields.append(
                (
                    String(decoding: encoded[line.lowerBound..<colon], as: UTF8.self),
                    String(decoding: encoded[(colon + 2)..<(line.upperBound - 2)], as: UTF8.self)
                ))
            return true
        }
        return fields
    }

    /// Adds the other list's fields.
    public mutating func append(contentsOf other: HTTPFields) { encoded += other.encoded }

    private mutating func begin(_ name: HTTPFieldName, valueCount: Int) {
        if encoded.isEmpty { encoded.reserveCapacity(name.written.count + valueCount + 36) }
        encoded += name.written
        encoded.append(UInt8(ascii: ":"))
        encoded.append(UInt8(ascii: " "))
    }

    private mutating func end() {
        encoded.append(13)
        encoded.append(10)
    }

    private static func harmless(_ byte: UInt8) -> UInt8 { byte < 32 || byte == 127 ? 32 : byte }

    private func range(of name: HTTPFieldName) -> (line: Range<Int>, value: Range<Int>)? {
        var found: (Range<Int>, Range<Int>)?
        forEachLine { line, colon in
            guard name.matches(encoded.span.extracting(line.lowerBound..<colon)) else { return true }
            found = (line, (colon + 2)..<(line.upperBound - 2))
            return false
        }
        return found
    }

    /// Visits the lines until the closure returns false.
    private func forEachLine(_ visit: (_ line: Range<Int>, _ colon: Int) -> Bool) {
        var start = 0
        while start < encoded.count {
            var colon = start
            while encoded[colon] != UInt8(ascii: ":") { colon += 1 }
            var end = colon
            while encoded[end] != 10 { end += 1 }
            if !visit(start..<(end + 1), colon) { return }
            start = end + 1
        }
    }
}

extension Array where Element == UInt8 {
    /// Appends a number in decimal.
    package mutating func appendDecimal(_ value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        appendDecimal(magnitude: UInt64(value.magnitude))
    }

    /// Appends a number without a sign in decimal.
    package mutating func appendDecimal(magnitude: UInt64) {
        var rest = magnitude
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        repeat {
            digits[count] = UInt8(truncatingIfNeeded: rest % 10) + UInt8(ascii: "0")
            rest /= 10
            count += 1
        } while rest > 0
        while count > 0 {
            count -= 1
            append(digits[count])
        }
    }
}
