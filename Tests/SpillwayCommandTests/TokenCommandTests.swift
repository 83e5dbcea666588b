import Glibc
import SpillwayHTTP
import Testing

@testable import spillway

@Suite("spillway token")
struct TokenCommandTests {
    private func withDirectory(_ body: (String) -> Void) {
        var template = Array("/tmp/cli-token-XXXXXX".utf8CString)
        let path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        defer {
            unlink(path + "/d/key")
            rmdir(path + "/d")
            rmdir(path)
        }
        body(path + "/d")
    }

    @Test("prints one token that the data directory's key verifies, and makes the key for its owner alone")
    func one() {
        withDirectory { directory in
            let program = TestProgram()
            #expect(program.run("token", "--data", directory, "--user", "auth0|5f7", "--scope", "admin") == .done)
            let lines = program.output.split(separator: "\n")
            #expect(lines.count == 1)
            #expect(lines[0].split(separator: ".").count == 3)
            var status = stat()
            #expect(stat(directory + "/key", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
    }

    @Test("makes the directories above the data directory too, as serve does")
    func parents() {
        withDirectory { directory in
            let program = TestProgram()
            #expect(program.run("token", "--data", directory + "/e/f", "--user", "u") == .done, "\(program.errors)")
            var status = stat()
            #expect(stat(directory + "/e/f", &status) == 0 && status.st_mode & 0o777 == 0o700)
            unlink(directory + "/e/f/key")
            rmdir(directory + "/e/f")
            rmdir(directory + "/e")
            #expect(TestProgram().run("token", "--data", "/dev/null/d", "--user", "u") == .configuration)
        }
    }

    @Test("prints no more tokens once nobody reads them")
    func cutShort() {
        withDirectory { directory in
            let program = TestProgram()
            var terminal = program.terminal
            terminal.resultsAreCutShort = { true }
            let run = Program(environment: [:], readFile: { _ in [] }, terminal: terminal)
            #expect(run.run(["token", "--data", directory, "--count", "20000"]) == .done)
            #expect(program.output.split(separator: "\n").count < 20_000)
        }
    }

    @Test("prints a token a line for u0 to u(N-1), all different")
    func many() {
        withDirectory { directory in
            let program = TestProgram()
            #expect(program.run("token", "--data", directory, "--count", "5000", "--ttl", "1h") == .done)
            let lines = program.output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 5_001)
            #expect(lines.last == "")
            #expect(Set(lines).count == 5_001)
        }
    }

    @Test("a user that no token may have is refused")
    func badUser() {
        withDirectory { directory in
            let program = TestProgram()
            #expect(program.run("token", "--data", directory, "--user", "a\u{7}b") == .usage)
            #expect(program.run("token", "--data", directory, "--user", String(repeating: "x", count: 256)) == .usage)
            #expect(program.output.isEmpty)
        }
    }
}
