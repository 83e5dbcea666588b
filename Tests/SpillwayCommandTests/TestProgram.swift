import Glibc
import SpillwayCore
import Synchronization

@testable import spillway

/// A program with its own environment, files and terminal.
final class TestProgram: Sendable {
    private let results = Mutex<[UInt8]>([])
    private let diagnostics = Mutex<[UInt8]>([])

    /// What went to standard output.
    var output: String { String(decoding: results.withLock { $0 }, as: UTF8.self) }
    /// What went to standard error.
    var errors: String { String(decoding: diagnostics.withLock { $0 }, as: UTF8.self) }

    var terminal: Terminal {
        Terminal(
            writeResult: { bytes in self.results.withLock { $0 += bytes } },
            writeDiagnostic: { bytes in self.diagnostics.withLock { $0 += bytes } })
    }

    /// Runs a command line.
    func run(_ arguments: String..., environment: [String: String] = [:], file: String? = nil) -> ExitCode {
        run(arguments, environment: environment, file: file)
    }

    /// Runs a command line that waits for what runs on the pool: it would be missing a thread there, or deadlock.
    func runOffThePool(_ arguments: String...) async throws -> ExitCode {
        let executor = BlockingExecutor(name: "test-command", threads: 1)
        defer { executor.shutdown() }
        return try await executor.run { [self] in run(arguments) }
    }

    /// Runs a command line.
    func run(_ arguments: [String], environment: [String: String] = [:], file: String? = nil) -> ExitCode {
        Program(
            environment: environment,
            readFile: { path in
                guard let file else { throw WholeFile.Failure(description: "\(path): no such file") }
                return Array(file.utf8)
            }, terminal: terminal
        ).run(arguments)
    }
}

/// The values of a command line with its environment and file.
func resolve(
    _ command: CommandName, _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
) throws -> OptionValues {
    let line = try CommandLineArguments.read(command, arguments + (file == nil ? [] : ["--config", "f.yaml"]))
    return try OptionResolver(environment: environment, readFile: { _ in Array((file ?? "").utf8) }).resolve(line)
}

/// A new file with the text.
func temporaryFile(_ text: String) throws -> String {
    var template = Array("/tmp/cli-test-XXXXXX".utf8CString)
    let descriptor = template.withUnsafeMutableBufferPointer { mkstemp($0.baseAddress!) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
        let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { throw WholeFile.Failure(description: "a test's file can't be written") }
        sent += count
    }
    return template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
}
