/// How the program ends; the numbers are those of sysexits.h where it has one.
struct ExitCode: Hashable, Sendable {
    /// The process's exit status.
    let status: Int32

    /// Done.
    static let done = ExitCode(status: 0)
    /// Done, and something was found wrong.
    static let foundWrong = ExitCode(status: 1)
    /// The command line was not understood.
    static let usage = ExitCode(status: 64)
    /// The disk failed or is full, or the log is damaged.
    static let diskFailed = ExitCode(status: 74)
    /// The drain deadline passed.
    static let drainDeadline = ExitCode(status: 75)
    /// A bad configuration, or a data directory that is in use, foreign or newer.
    static let configuration = ExitCode(status: 78)
}
