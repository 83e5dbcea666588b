import FoundationEssentials

/// Looks at the member names of a JSON object before a decoder does, which would silently take one of two equal names.
enum JSONMembers {
    /// Whether the text is an object in UTF-8 whose own members (not those of objects inside) have different names and
    /// are not more than the limit. Whether the rest is valid JSON is for the decoder to say.
    static func areUnique(in text: [UInt8], limit: Int) -> Bool {
        // A decoder guesses UTF-16 and UTF-32 from zeros and byte order marks; neither passes here.
        guard text.first(where: isNoSpace) == UInt8(ascii: "{"), text.last(where: isNoSpace) == UInt8(ascii: "}"),
            !text.contains(0), String(validating: text, as: UTF8.self) != nil, let names = names(of: text, limit: limit)
        else { return false }
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            return false
        }
        return true
    }

    /// White space of JSON may stand around an object.
    private static func isNoSpace(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D: false
        default: true
        }
    }

    /// The names of the outermost object, with escapes resolved; nil for more than the limit or a bad escape.
    private static func names(of text: [UInt8], limit: Int) -> [[UInt8]]? {
        var names: [[UInt8]] = []
        var depth = 0
        var nameComesNext = false
        var index = 0
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                nameComesNext = depth == 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
            case UInt8(ascii: ","):
                nameComesNext = depth == 1
            case UInt8(ascii: "\""):
                let start = index
                index += 1
                while index < text.count, text[index] != UInt8(ascii: "\"") {
                    index += text[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard index < text.count else { return nil }
                if nameComesNext {
                    guard names.count < limit, let name = unescaped(text[start...index]) else { return nil }
                    names.append(name)
                    nameComesNext = false
                }
            default:
                break
            }
            index += 1
        }
        return names
    }

    /// A name without its quotes, as bytes.
    private static func unescaped(_ quoted: ArraySlice<UInt8>) -> [UInt8]? {
        guard quoted.contains(UInt8(ascii: "\\")) else { return Array(quoted.dropFirst().dropLast()) }
        guard let name = try? JSONDecoder().decode(String.self, from: Data(quoted)) else { return nil }
        return Array(name.utf8)
    }
}
