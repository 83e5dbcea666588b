/// `spillway version`.
enum VersionCommand {
    /// The program's version (semantic versioning).
    static let version = "0.1.0"

    static func run(_ terminal: Terminal) -> ExitCode {
        terminal.print("spillway \(version)")
        return .done
    }
}
