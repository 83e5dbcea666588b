/// What `--help` prints, made from the tables of commands and options.
enum HelpText {
    /// `spillway --help`.
    static var program: String {
        var text = "Usage: spillway <command> [options]\n\nCommands:\n"
        for command in CommandName.listed {
            text += "  \(pad(command.rawValue, 22))\(command.summary)\n"
        }
        text += """

            `spillway <command> --help` lists a command's options. Values come from flags, then variables of the environment
            (SPILLWAY_…), then the file of --config, then the defaults.
            Exit codes: 0 done, 1 found wrong, 64 usage, 74 the disk failed, 75 the drain deadline passed,
            78 configuration, or a data directory that is in use, foreign or newer.

            """
        return text
    }

    /// `spillway <word> --help` for the first word of several commands.
    static func family(_ word: String) -> String {
        var text = "Usage: spillway \(word) <verb> [options]\n\nVerbs:\n"
        for command in CommandName.family(word) {
            text += "  \(pad(String(command.rawValue.dropFirst(word.count + 1)), 10))\(command.summary)\n"
        }
        return text + "\n`spillway \(word) <verb> --help` lists a verb's options.\n"
    }

    /// `spillway <command> --help`.
    static func command(_ command: CommandName) -> String {
        var text = "Usage: spillway \(usage(of: command))\n\n\(command.summary.prefix(1).uppercased())"
        text += "\(command.summary.dropFirst()).\n"
        if !command.explanation.isEmpty { text += "\(command.explanation)\n" }
        let options = OptionTable.options(of: command)
        if !options.isEmpty { text += "\nOptions:\n" }
        for option in options { text += describe(option) }
        text += "  -h, --help\n        print this\n"
        return text
    }

    private static func usage(of command: CommandName) -> String {
        let options = OptionTable.options(of: command).isEmpty ? [] : ["[options]"]
        return ([command.rawValue] + command.operands + options).joined(separator: " ")
    }

    private static func describe(_ option: OptionDefinition) -> String {
        let placeholder = option.kind.placeholder.map { " \($0)" } ?? ""
        var facts = ["default: \(option.fallbackText)"]
        if let allowed = option.kind.allowed, option.kind != .flag { facts.append("allowed: \(allowed)") }
        if let variable = option.variable { facts.append(variable) }
        if let key = option.key { facts.append("file: \(key)") }
        return "  --\(option.name)\(placeholder)\n        \(option.help)\n        \(facts.joined(separator: "; "))\n"
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }
}
