/// docs/CONFIGURATION.md, made from the table of options; a test holds the file to it.
enum OptionsPage {
    /// The page's text.
    static var text: String {
        var text = """
            # Configuration

            Values come from flags, then variables of the environment, then the YAML file of `--config`, then the defaults. A
            value that is not allowed is refused at start with its name and what is allowed; so is a key of the file that is
            not listed here, with its line and column. Times are written `200ms`, `30s`, `15m`, `24h`, `7d`; sizes `4096`,
            `64KiB`, `512MiB`, `2GiB`. Lists are separated by commas, and are sequences in the file.

            ```yaml
            data: /var/lib/spillway
            http:
              host: 0.0.0.0
              allowed-origins: [https://example.com]
            reactions:
              vote-rate-per-user: 500
            ```

            This page is made from the program's table of options: `spillway docs-options > docs/CONFIGURATION.md`.

            """
        for section in OptionTable.sections {
            text += "\n## \(section.title)\n\n"
            text += "| flag | variable | key in the file | default | allowed | what it does |\n"
            text += "|---|---|---|---|---|---|\n"
            for option in section.options { text += row(option) }
        }
        return text
    }

    private static func row(_ option: OptionDefinition) -> String {
        let placeholder = option.kind.placeholder.map { " \($0)" } ?? ""
        let cells = [
            code("--\(option.name)\(placeholder)"), option.variable.map(code) ?? "", option.key.map(code) ?? "",
            option.fallbackText, option.kind.allowed ?? "", option.help + commands(of: option),
        ]
        return "| " + cells.map(escape).joined(separator: " | ") + " |\n"
    }

    private static func commands(of option: OptionDefinition) -> String {
        guard option.commands != .serving else { return "" }
        let names = CommandName.listed.filter { option.commands.contains($0) }.map(\.rawValue)
        return " (\(names.joined(separator: ", ")))"
    }

    private static func code(_ text: String) -> String { "`\(text)`" }

    private static func escape(_ text: String) -> String {
        String(text.flatMap { $0 == "|" ? "\\|" : String($0) })
    }
}
