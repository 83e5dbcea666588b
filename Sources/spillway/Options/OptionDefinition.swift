/// One row of the table of options: everything that flags, variables, the file, `--help` and the docs' page say of it.
struct OptionDefinition: Sendable, Equatable {
    /// The flag's name without dashes.
    let name: String
    /// The file's key, its levels separated by dots; nil if the option can't be in the file.
    let key: String?
    /// Whether a variable of the environment gives it too.
    let hasVariable: Bool
    /// How its value is read and what is allowed.
    let kind: OptionKind
    /// The default as one would write it; nil if there is none.
    let fallback: String?
    /// What the default means where it does not say so itself, such as `no limit`.
    let fallbackMeaning: String?
    /// One sentence for people.
    let help: String
    /// The commands that take it.
    let commands: Set<CommandName>

    /// The variable's name, derived from the flag's.
    var variable: String? {
        guard hasVariable else { return nil }
        let letters = name.uppercased().map { $0 == "-" ? "_" : $0 }
        return "SPILLWAY_" + String(letters)
    }

    /// The default for people.
    var fallbackText: String {
        switch (fallback, fallbackMeaning) {
        case (nil, let meaning): meaning ?? "none"
        case (let text?, nil): text.isEmpty ? "none" : text
        case (let text?, let meaning?): "\(text) (\(meaning))"
        }
    }
}
