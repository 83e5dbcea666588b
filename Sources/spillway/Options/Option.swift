/// A row of the table together with the Swift type of its value.
struct Option<Value: OptionReadable>: Sendable {
    /// The row.
    let definition: OptionDefinition

    /// Makes a row.
    ///
    /// - Parameters:
    ///   - key: the file's key; nil for what only belongs on a command line.
    ///   - hasVariable: default: as in the file.
    ///   - fallback: the default as one would write it.
    init(
        _ name: String, key: String? = nil, hasVariable: Bool? = nil, _ kind: OptionKind,
        default fallback: String? = nil, meaning: String? = nil, for commands: Set<CommandName>, _ help: String
    ) {
        definition = OptionDefinition(
            name: name, key: key, hasVariable: hasVariable ?? (key != nil), kind: kind, fallback: fallback,
            fallbackMeaning: meaning, help: help, commands: commands)
    }
}
