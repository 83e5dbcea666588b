/// The characters of `tracestate`.
enum TraceStateText {
    /// A key of one system (up to 256 characters), or tenant (up to 241), `@` and system (up to 14).
    static func isKey(_ text: ArraySlice<UInt8>) -> Bool {
        guard let at = text.firstIndex(of: UInt8(ascii: "@")) else {
            return isIdentifier(text, maximum: 256, digitFirst: true)
        }
        return isIdentifier(text[..<at], maximum: 241, digitFirst: true)
            && isIdentifier(text[(at + 1)...], maximum: 14, digitFirst: false)
    }

    /// Up to 256 printable characters but `,` and `=`, of which the last is no space.
    static func isValue(_ text: ArraySlice<UInt8>) -> Bool {
        guard let last = text.last, last != UInt8(ascii: " "), text.count <= 256 else { return false }
        return text.allSatisfy {
            (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=")
        }
    }

    static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return text
    }

    private static func isIdentifier(_ text: ArraySlice<UInt8>, maximum: Int, digitFirst: Bool) -> Bool {
        guard let first = text.first, text.count <= maximum else { return false }
        guard isLetter(first) || (digitFirst && isDigit(first)) else { return false }
        return text.allSatisfy {
            isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
                || $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "/")
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
