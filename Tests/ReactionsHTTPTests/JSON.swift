import FoundationEssentials

/// Any JSON text, to look into in tests.
enum JSON: Decodable, Equatable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(_ text: String) throws { self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8)) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSON].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    subscript(_ name: String) -> JSON { object?[name] ?? .null }
    subscript(_ index: Int) -> JSON { array.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? .null }

    var object: [String: JSON]? { if case .object(let members) = self { members } else { nil } }
    var array: [JSON]? { if case .array(let items) = self { items } else { nil } }
    var string: String? { if case .string(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let value) = self { value } else { nil } }

    /// Every value in here, with itself.
    var all: [JSON] {
        switch self {
        case .array(let items): [self] + items.flatMap(\.all)
        case .object(let members): [self] + members.values.flatMap(\.all)
        case .null, .boolean, .number, .string: [self]
        }
    }
}
