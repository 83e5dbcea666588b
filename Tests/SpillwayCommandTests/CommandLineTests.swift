import Glibc
import Testing

@testable import spillway

@Suite("The command line")
struct CommandLineTests {
    @Test("help is printed for the program and for each command")
    func help() {
        let program = TestProgram()
        #expect(program.run("--help") == .done)
        #expect(program.output.contains("Commands:"))
        for command in CommandName.listed {
            let program = TestProgram()
            let words = command.rawValue.split(separator: " ").map(String.init)
            #expect(program.run(words + ["--help"]) == .done)
            #expect(program.output.hasPrefix("Usage: spillway \(command.rawValue)"))
        }
    }

    @Test("the first of two words has a help of its own", arguments: ["groups", "dead-letters"])
    func family(word: String) {
        let program = TestProgram()
        #expect(program.run(word, "--help") == .done)
        for command in CommandName.family(word) { #expect(program.output.contains(command.summary)) }
        #expect(CommandName.family(word).count > 2)
        for arguments in [[word], [word, "walk"], [word, "--json"], [word + " list"]] {
            let program = TestProgram()
            #expect(program.run(arguments) == .usage)
            #expect(program.errors.contains("--help"))
        }
    }

    @Test(
        "what is not understood ends with 64 and says so",
        arguments: [
            [], ["walk"], ["serve", "--walk"], ["serve", "extra"], ["import"], ["backup"], ["restore", "a", "b"],
            ["audit", "--data"], ["token"], ["token", "--user", "a", "--count", "1"],
            ["token", "--user", "a", "--scope", "x"],
            ["backup", "dir"], ["bench", "--url", "ftp://x", "--scenario", "summary"], ["serve", "--max"],
            ["version", "x"], ["groups", "list", "x", "--token", "t"], ["groups", "delete", "topic", "--token", "t"],
            ["groups", "seek", "t", "g", "--token", "t"], ["groups", "seek", "t", "g", "--to", "noon", "--token", "t"],
            ["groups", "seek", "t", "g", "--to", "0=1-2,0=1-3", "--token", "t"],
            ["groups", "seek", "t", "g", "--to", "0=12", "--token", "t"], ["groups", "list"],
            ["groups", "list", "--limit", "5", "--token", "t"],
            ["dead-letters", "list", "--limit", "0", "--token", "t"], ["dead-letters", "show", "--token", "t"],
            ["dead-letters", "show", "a", "b", "--token", "t"], ["dead-letters", "discard", "--token", "t"],
            ["dead-letters", "requeue", "--token", "t"],
            ["dead-letters", "requeue", "a", "--group", "g", "--token", "t"],
        ])
    func usage(arguments: [String]) {
        let program = TestProgram()
        let code = Program(
            environment: [:], readFile: { _ in [] }, terminal: program.terminal
        ).run(arguments)
        #expect(code == .usage)
        #expect(!program.errors.isEmpty)
        #expect(program.output.isEmpty)
    }

    @Test("flags and operands come in any order, `--` ends the flags, beginnings of a flag count")
    func order() throws {
        let line = try CommandLineArguments.read(.import, ["--strict", "file", "--dat=d"])
        #expect(line.operands == ["file"])
        #expect(line.flags.map(\.option.name) == ["strict", "data"])
        #expect(line.flags.map(\.text) == ["true", "d"])
        #expect(try CommandLineArguments.read(.import, ["--", "--strict"]).operands == ["--strict"])
    }

    @Test("a file that can't be read is a matter of configuration")
    func missingFile() {
        let program = TestProgram()
        #expect(program.run("audit", "--config", "nowhere.yaml") == .configuration)
        #expect(program.errors.contains("nowhere.yaml"))
    }

    @Test("a file that the command line names and that can't be read is a matter of usage, and nothing is made")
    func unreadableFiles() {
        let data = "/tmp/cli-test-none-\(getpid())"
        let bench = ["bench", "--scenario", "summary"]
        for arguments in [
            ["import", "--data", data, "/tmp"], ["import", "--data", data, data],
            bench + ["--targets", data], bench + ["--targets", "/tmp"],
            bench + ["--tokens", data], bench + ["--tokens", "/tmp"],
        ] {
            let program = TestProgram()
            #expect(program.run(arguments) == .usage, "\(arguments)")
            #expect(program.errors.contains("cannot read the file"))
            #expect(access(data, F_OK) != 0)
        }
    }

    @Test("exit codes are those that scripts rely on")
    func exitCodes() {
        let codes: [ExitCode] = [.done, .foundWrong, .usage, .diskFailed, .drainDeadline, .configuration]
        #expect(codes.map(\.status) == [0, 1, 64, 74, 75, 78])
    }
}
