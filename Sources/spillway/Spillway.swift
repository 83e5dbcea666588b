import Glibc

/// The program. Its main is synchronous: closures of an asynchronous one are isolated to the main actor, and profilers
/// crash on it.
@main
struct SpillwayProgram {
    static func main() {
        // A reader that is gone fails the write, and does not end the process: it may be in the middle of a drain or of a
        // repair, and what it prints is only heard by people.
        signal(SIGPIPE, SIG_IGN)
        let status = Program.live.run(Array(CommandLine.arguments.dropFirst())).status
        exit(status)
    }
}
