/// What kind of value an option takes: how its text is read, and what is refused.
enum OptionKind: Sendable, Equatable {
    /// Any text that is not empty; the word stands for the value in usage lines.
    case text(placeholder: String)
    /// A whole number of the unit.
    case integer(ClosedRange<Int>, unit: String)
    /// A time, written as `200ms`, `30s`, `15m`, `24h` or `7d`.
    case duration(ClosedRange<Duration>)
    /// A size, written as `4096`, `64KiB`, `512MiB` or `2GiB`.
    case bytes(ClosedRange<Int>)
    /// A number from 0 to 1, written as `0.01`.
    case share
    /// On or off; the flag alone means on.
    case flag
    /// One of a few words.
    case choice([String])
    /// Several texts: separated by commas in flags and variables, a sequence in the file.
    case list(placeholder: String)
}

extension OptionKind {
    /// The word for the value in a usage line; nil for a flag.
    var placeholder: String? {
        switch self {
        case .text(let placeholder), .list(let placeholder): placeholder
        case .integer: "N"
        case .duration: "TIME"
        case .bytes: "SIZE"
        case .share: "SHARE"
        case .flag: nil
        case .choice(let words): words.joined(separator: "|")
        }
    }

    /// What is allowed, for people; nil where every text is.
    var allowed: String? {
        switch self {
        case .text: nil
        case .integer(let range, let unit): "\(range.lowerBound) to \(range.upperBound) \(unit)"
        case .duration(let range):
            "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
        case .bytes(let range): "\(ByteText.format(range.lowerBound)) to \(ByteText.format(range.upperBound))"
        case .share: "0 to 1"
        case .flag: "true or false"
        case .choice(let words): words.joined(separator: ", ")
        case .list: "separated by commas"
        }
    }

    /// Reads a value's text.
    ///
    /// - Throws: `OptionRefusal`, which says what is allowed.
    func read(_ text: String) throws(OptionRefusal) -> OptionValue {
        switch self {
        case .text:
            guard !text.isEmpty, !text.utf8.contains(0) else { throw OptionRefusal("must not be empty") }
            return .text(text)
        case .integer(let range, let unit):
            guard let number = Int(text), range.contains(number) else {
                throw OptionRefusal("must be a whole number from \(range.lowerBound) to \(range.upperBound) (\(unit))")
            }
            return .integer(number)
        case .duration(let range):
            guard let duration = DurationText.read(text), range.contains(duration) else {
                throw OptionRefusal("must be a time such as 200ms, 30s, 15m, 24h or 7d, from \(allowed ?? "")")
            }
            return .duration(duration)
        case .bytes(let range):
            guard let bytes = ByteText.read(text), range.contains(bytes) else {
                throw OptionRefusal("must be a size such as 4096, 64KiB, 512MiB or 2GiB, from \(allowed ?? "")")
            }
            return .integer(bytes)
        case .share:
            let isPlain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            guard isPlain, let number = Double(text), (0...1).contains(number) else {
                throw OptionRefusal("must be a number from 0 to 1, such as 0.01")
            }
            return .share(number)
        case .flag:
            switch text.lowercased() {
            case "1", "true", "yes", "on": return .flag(true)
            case "0", "false", "no", "off": return .flag(false)
            default: throw OptionRefusal("must be true or false")
            }
        case .choice(let words):
            guard words.contains(text) else { throw OptionRefusal("must be one of \(words.joined(separator: ", "))") }
            return .text(text)
        case .list:
            return try readList(text.split(separator: ",", omittingEmptySubsequences: false).map(String.init))
        }
    }

    /// Reads the members of a list.
    func readList(_ members: [String]) throws(OptionRefusal) -> OptionValue {
        if members == [""] { return .list([]) }
        var trimmed: [String] = []
        for member in members {
            let text = member.drop { $0 == " " }
            guard !text.isEmpty else { throw OptionRefusal("has an empty member") }
            trimmed.append(String(text))
        }
        return .list(trimmed)
    }
}

/// Why a value was refused; the reader of the source adds the option's name and where it stood.
struct OptionRefusal: Error, Equatable {
    /// What the value must be.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}
