/// A value that was read from a flag, a variable, the file or the table's default.
enum OptionValue: Sendable, Equatable {
    /// A text, also one of a choice.
    case text(String)
    /// A whole number; bytes too.
    case integer(Int)
    /// A time.
    case duration(Duration)
    /// A number from 0 to 1.
    case share(Double)
    /// On or off.
    case flag(Bool)
    /// Several texts.
    case list([String])
}

/// A Swift type that an option's value can be taken as.
protocol OptionReadable: Sendable {
    /// The value as this type; nil if it is of another kind.
    init?(_ value: OptionValue)
}

extension String: OptionReadable {
    init?(_ value: OptionValue) {
        guard case .text(let text) = value else { return nil }
        self = text
    }
}

extension Int: OptionReadable {
    init?(_ value: OptionValue) {
        guard case .integer(let number) = value else { return nil }
        self = number
    }
}

extension Duration: OptionReadable {
    init?(_ value: OptionValue) {
        guard case .duration(let duration) = value else { return nil }
        self = duration
    }
}

extension Double: OptionReadable {
    init?(_ value: OptionValue) {
        guard case .share(let number) = value else { return nil }
        self = number
    }
}

extension Bool: OptionReadable {
    init?(_ value: OptionValue) {
        guard case .flag(let flag) = value else { return nil }
        self = flag
    }
}

extension [String]: OptionReadable {
    init?(_ value: OptionValue) {
        guard case .list(let members) = value else { return nil }
        self = members
    }
}
