/// `spillway bench`.
enum BenchCommand {
    static func run(_ values: OptionValues, _ terminal: Terminal) throws -> ExitCode {
        terminal.error("")
        return .done
    }
}
