/// The parameters behind a target's question mark: `a=1&b=2`. Values are percent-decoded once, and `+` is a space, as
/// browsers and forms write it. Nothing is split or copied until it is asked for.
public struct HTTPQuery: Sendable {
    private let storage: HTTPRequestStorage

    init(storage: HTTPRequestStorage) { self.storage = storage }

    /// Makes a query of the text behind the question mark.
    public init(_ text: String) {
        self = HTTPRequest(method: .get, target: "?" + text).query
    }

    private var start: Int { storage.pathEnd + 1 }

    /// Whether there are no parameters.
    public var isEmpty: Bool { storage.target.upperBound <= start }

    /// The names of all parameters in their order, decoded.
    ///
    /// - Throws: ``Problem`` 400 when one is not UTF-8.
    public func names() throws(Problem) -> [String] {
        var names: [String] = []
        var cursor = start
        while let (name, _) = next(&cursor) {
            guard let text = text(name) else {
                throw Problem(.badRequest, detail: "the query holds a name that is not UTF-8")
            }
            names.append(text)
        }
        return names
    }

    /// How often a parameter stands in the query.
    public func count(of name: String) -> Int {
        var count = 0
        var cursor = start
        while let (range, _) = next(&cursor) { count += matches(range, name) ? 1 : 0 }
        return count
    }

    /// The decoded value of the first parameter of that name; nil if there is none.
    ///
    /// - Throws: ``Problem`` 400 when the value is not UTF-8.
    public func first(_ name: String) throws(Problem) -> String? {
        guard let value = firstValue(name) else { return nil }
        guard let text = text(value) else {
            throw Problem(.badRequest, detail: "the value of '\(name)' in the query is not UTF-8")
        }
        return text
    }

    /// The value of the first parameter of that name as it stands on the wire, without a copy; nil if there is none.
    public func withRawValue<Result, Failure: Error>(
        _ name: String, _ read: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard let value = firstValue(name) else { return nil }
        let bytes = storage.bytes
        return try read(bytes.span.extracting(value))
    }

    /// Appends the decoded bytes of the first parameter of that name to an array that may be used again and again.
    ///
    /// - Returns: Whether there is such a parameter.
    public func decodeValue(_ name: String, into bytes: inout [UInt8]) -> Bool {
        guard let value = firstValue(name) else { return false }
        // Bad escapes were refused with the request's target.
        let raw = storage.bytes
        return PercentEncoding.decode(raw.span.extracting(value), plusIsSpace: true, into: &bytes)
    }

    private func text(_ range: Range<Int>) -> String? {
        let bytes = storage.bytes
        return PercentEncoding.text(bytes.span.extracting(range), plusIsSpace: true)
    }

    private func firstValue(_ name: String) -> Range<Int>? {
        var cursor = start
        while let (range, value) = next(&cursor) {
            if matches(range, name) { return value }
        }
        return nil
    }

    /// The next parameter's name and value from the cursor on, which moves behind it.
    private func next(_ cursor: inout Int) -> (name: Range<Int>, value: Range<Int>)? {
        let end = storage.target.upperBound
        let all = storage.bytes
        while cursor < end {
            let bytes = all.span.extracting(..<end)
            let first = cursor
            let last = bytes.place(of: UInt8(ascii: "&"), from: first)
            let equals = min(bytes.place(of: UInt8(ascii: "="), from: first), last)
            cursor = last + 1
            if first == last { continue }
            return (first..<equals, min(equals + 1, last)..<last)
        }
        return nil
    }

    /// Whether the name at this place is the given one; names are decoded as values are.
    private func matches(_ range: Range<Int>, _ name: String) -> Bool {
        let all = storage.bytes
        let bytes = all.span.extracting(range)
        var isPlain = true
        for index in bytes.indices where bytes[index] == UInt8(ascii: "%") || bytes[index] == UInt8(ascii: "+") {
            isPlain = false
        }
        if !isPlain { return PercentEncoding.text(bytes, plusIsSpace: true) == name }
        if bytes.count != name.utf8.count { return false }
        var index = 0
        for byte in name.utf8 {
            if bytes[index] != byte { return false }
            index += 1
        }
        return true
    }
}
