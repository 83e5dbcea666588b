extension OptionTable {
    static let data = Option<String>(
        "data", key: "data", .text(placeholder: "DIR"), default: "./data",
        for: .administeringDirectories.union([.serve, .token, .audit, .import, .restore, .recover, .bench]),
        "The data directory: log, store and the key for tokens. One process at a time writes it. Groups, dead letters and "
            + "settings: the flag, and only the flag, asks a stopped server's directory in place of the server.")
    static let configuration = Option<String>(
        "config", hasVariable: true, .text(placeholder: "FILE"),
        for: [.serve, .token, .audit, .import, .restore, .recover, .bench],
        "A YAML file with the options below; flags and variables win over it.")
    static let demo = Option<Bool>(
        "demo", key: "demo", .flag, default: "false", for: .serving,
        "Also serve a demo page with guest users. Anyone who reaches the port may vote then.")
    static let logFormat = Option<String>(
        "log-format", key: "log.format", .choice(["text", "json"]), default: "text", for: .openingStore,
        "Logs on standard error: text for people, or one JSON object a line.")
    static let logLevel = Option<String>(
        "log-level", key: "log.level",
        .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]), default: "info",
        for: .openingStore, "The lowest level that is logged.")

    static let general: [OptionDefinition] = [
        data.definition, configuration.definition, demo.definition, logFormat.definition, logLevel.definition,
    ]
}
