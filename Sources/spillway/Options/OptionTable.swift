/// The one table of options: flags, variables, the file's keys, `--help` and docs/CONFIGURATION.md come from it.
enum OptionTable {
    /// Options under one heading of the docs' page.
    struct Section: Sendable {
        let title: String
        let options: [OptionDefinition]
    }

    /// All options, in the order of the docs' page.
    static let sections: [Section] = [
        Section(title: "General", options: general),
        Section(title: "HTTP", options: http),
        Section(title: "Tokens", options: tokens),
        Section(title: "Reactions", options: reactions),
        Section(title: "Log and store", options: storage),
        Section(title: "Caches", options: caches),
        Section(title: "Tracing", options: tracing),
        Section(title: "Single commands", options: commands),
    ]

    /// All options.
    static let all: [OptionDefinition] = sections.flatMap(\.options)

    /// The options of one command, in the table's order.
    static func options(of command: CommandName) -> [OptionDefinition] {
        all.filter { $0.commands.contains(command) }
    }

    /// The option with this key in the file.
    static func option(key: String) -> OptionDefinition? { byKey[key] }

    private static let byKey: [String: OptionDefinition] = Dictionary(
        uniqueKeysWithValues: all.compactMap { option in option.key.map { ($0, option) } })
}

extension Set<CommandName> {
    /// The server alone.
    static let serving: Self = [.serve]
    /// What opens a data directory's database.
    static let openingStore: Self = [.serve, .audit, .import, .restore, .recover]
    /// What an administrator does, with a running server or a stopped one's data directory.
    static let administeringDirectories: Self = [
        .groupsList, .groupsDelete, .groupsSeek, .deadLettersList, .deadLettersShow, .deadLettersRequeue,
        .deadLettersDiscard, .settingsShow, .settingsSet, .settingsHistory,
    ]
    /// What asks a running server as an administrator.
    static let administering: Self = administeringDirectories.union([.backup, .inspect, .settingsSeek])
}
