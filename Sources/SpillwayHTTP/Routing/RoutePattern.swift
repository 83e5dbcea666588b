/// A route's path: literal segments and `{name}` for a segment that a request fills in.
struct RoutePattern: Sendable, CustomStringConvertible {
    enum Segment: Hashable, Sendable {
        case literal([UInt8])
        case parameter(String)
    }

    let description: String
    let segments: [Segment]
    let parameterNames: [String]

    init(_ text: String) {
        precondition(text.first == "/", "the route '\(text)' must begin with a slash")
        description = text
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
        let utf8 = description.utf8
        if path.count != utf8.count { return false }
        var index = 0
        for byte in utf8 {
            if path[index] != byte { return false }
            index += 1
        }
        return true
    }
}
