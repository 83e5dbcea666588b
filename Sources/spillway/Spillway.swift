import Glibc

/// The program. Its main is synchronous: closures of an asynchronous one are isolated to the main actor, and profilers
/// crash on it.
@main
struct SpillwayProgram {
    static func main() {
        let status = Program.live.run(Array(CommandLine.arguments.dropFirst())).status
        exit(status)
    }
}
