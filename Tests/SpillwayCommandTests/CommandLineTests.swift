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
            #expect(program.run(command.rawValue, "--help") == .done)
            #expect(program.output.hasPrefix("Usage: spillway \(command.rawValue)"))
        }
    }

    @Test(
        "what is not understood ends with 64 and says so",
        arguments: [
            [], ["walk"], ["serve", "--walk"], ["serve", "extra"], ["import"], ["backup"], ["restore", "a", "b"],
            ["audit", "--data"], ["token"], ["token", "--user", "a", "--count", "1"],
            ["token", "--user", "a", "--scope", "x"],
            ["backup", "dir"], ["bench", "--url", "ftp://x", "--scenario", "summary"], ["serve", "--max"],
            ["version", "x"],
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

    @Test("exit codes are those that scripts rely on")
    func exitCodes() {
        let codes: [ExitCode] = [.done, .foundWrong, .usage, .diskFailed, .drainDeadline, .configuration]
        #expect(codes.map(\.status) == [0, 1, 64, 74, 75, 78])
    }
}
