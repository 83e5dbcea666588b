/// Why a command ends without having done its work.
struct CommandError: Error, CustomStringConvertible {
    /// How the program ends.
    let exitCode: ExitCode
    /// What happened and what to do.
    let message: String
    /// The error below, if there is one.
    let cause: (any Error)?

    init(_ exitCode: ExitCode, _ message: String, cause: (any Error)? = nil) {
        self.exitCode = exitCode
        self.message = message
        self.cause = cause
    }

    var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}
