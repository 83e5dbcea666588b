/// Reads the `Prefer` header (RFC 7240).
enum Preference {
    /// True if the header asks for `return=representation`. Names are case-insensitive, values may be quoted, and of
    /// two preferences of one name the first counts.
    static func wantsRepresentation(_ header: some StringProtocol) -> Bool {
        for preference in header.split(separator: ",") {
            // Parameters follow behind semicolons; none is defined for `return`.
            let word = preference.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)[0]
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, trimmed(parts[0]).lowercased() == "return" else { continue }
            var value = trimmed(parts[1])
            if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
            return value == "representation"
        }
        return false
    }

    private static func trimmed<S: StringProtocol>(_ text: S) -> S.SubSequence {
        var text = text[...]
        while text.first == " " || text.first == "\t" { text = text.dropFirst() }
        while text.last == " " || text.last == "\t" { text = text.dropLast() }
        return text
    }
}
