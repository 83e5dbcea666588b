extension Logger {
    /// Keys and values that travel with a message.
    public typealias Metadata = [String: MetadataValue]

    /// A metadata value; prefer literals: `["user": "\(id)", "ids": ["a", "b"]]`.
    public enum MetadataValue: Sendable {
        /// A text.
        case string(String)
        /// Turned into text only when the message is written.
        case stringConvertible(any CustomStringConvertible & Sendable)
        /// Keys and values.
        case dictionary(Metadata)
        /// A list.
        case array([MetadataValue])
    }
}

extension Logger.MetadataValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    /// Makes a text.
    public init(stringLiteral value: String) { self = .string(value) }
}

extension Logger.MetadataValue: ExpressibleByDictionaryLiteral {
    /// Makes a dictionary; of equal keys the last wins.
    public init(dictionaryLiteral elements: (String, Logger.MetadataValue)...) {
        self = .dictionary(Dictionary(elements) { _, last in last })
    }
}

extension Logger.MetadataValue: ExpressibleByArrayLiteral {
    /// Makes a list.
    public init(arrayLiteral elements: Logger.MetadataValue...) { self = .array(elements) }
}

extension Logger.MetadataValue: CustomStringConvertible {
    /// The value as text; keys are sorted.
    public var description: String {
        switch self {
        case .string(let text): text
        case .stringConvertible(let value): value.description
        case .array(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
        case .dictionary(let entries):
            "["
                + entries.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ") + "]"
        }
    }
}

extension Logger.MetadataValue: Equatable {
    /// Equal if of the same kind and with the same text.
    public static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.string(let a), .string(let b)): a == b
        case (.stringConvertible(let a), .stringConvertible(let b)): a.description == b.description
        case (.array(let a), .array(let b)): a == b
        case (.dictionary(let a), .dictionary(let b)): a == b
        case (.string, _), (.stringConvertible, _), (.array, _), (.dictionary, _): false
        }
    }
}
