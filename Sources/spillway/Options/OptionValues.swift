/// The values of one run: what was given, and the table's defaults below it.
struct OptionValues: Sendable {
    private var given: [String: OptionValue] = [:]
    private var flags: Set<String> = []

    /// Takes a value unless a source of higher rank has given one.
    mutating func offer(_ value: OptionValue, for option: OptionDefinition) {
        if given[option.name] == nil { given[option.name] = value }
    }

    /// Takes a flag's value in place of an earlier one: the last of a flag that comes twice counts.
    mutating func replace(_ value: OptionValue, for option: OptionDefinition) {
        given[option.name] = value
        flags.insert(option.name)
    }

    /// Whether the command line itself gave a value.
    func isFlag<Value>(_ option: Option<Value>) -> Bool { flags.contains(option.definition.name) }

    /// Whether any source gave a value.
    func isGiven<Value>(_ option: Option<Value>) -> Bool { given[option.definition.name] != nil }

    /// The value or the default; the option must have one.
    subscript<Value>(_ option: Option<Value>) -> Value {
        guard let value = optional(option) else {
            preconditionFailure("option \(option.definition.name) has no default: take it with optional(_:)")
        }
        return value
    }

    /// The value or the default; nil if there is neither.
    func optional<Value>(_ option: Option<Value>) -> Value? {
        if let value = given[option.definition.name] { return Value(value) }
        guard let fallback = option.definition.fallback else { return nil }
        return (try? option.definition.kind.read(fallback)).flatMap { Value($0) }
    }
}
