/// A route's path: literal segments and `{name}` for a segment that a request fills in.
struct RoutePattern: Sendable, CustomStringConvertible {
    enum Segment: Hashable, Sendable {
        case literal([UInt8])
        case parameter(String)
    }

    let description: String
    let segments: [Segment]
    let parameterNames: [String]
    private let bytes: [UInt8]

    init(_ text: String) {
        precondition(text.first == "/", "the route '\(text)' must begin with a slash")
        description = text
        bytes = Array(text.utf8)
        segments = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            part in
            if part.first == UInt8(ascii: "{") && part.last == UInt8(ascii: "}") {
                return .parameter(String(decoding: part.dropFirst().dropLast(), as: UTF8.self))
            }
            precondition(
                !part.contains { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") || $0 == UInt8(ascii: "%") },
                "the route '\(text)' holds a segment that is neither a literal nor {name}")
            return .literal(Array(part))
        }
        parameterNames = segments.compactMap { if case .parameter(let name) = $0 { name } else { nil } }
        precondition(Set(parameterNames).count == parameterNames.count, "'\(text)' names a parameter twice")
    }

    /// Whether the path is this one byte for byte; most requests are told apart by that.
    func equals(_ path: Span<UInt8>) -> Bool {
        if path.count != bytes.count { return false }
        // From the end, where paths differ.
        var index = bytes.count
        while index > 0 {
            index -= 1
            if path[index] != bytes[index] { return false }
        }
        return true
    }
}
