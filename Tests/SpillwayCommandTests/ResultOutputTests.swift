import Glibc
import SpillwayCore
import Testing

@testable import spillway

@Suite("Writing results")
struct ResultOutputTests {
    private func program(_ output: ResultOutput, _ diagnostics: TestProgram) -> Program {
        Program(
            environment: [:], readFile: { _ in [] },
            terminal: Terminal(
                writeResult: { output.write($0) }, writeDiagnostic: { diagnostics.terminal.writeDiagnostic($0) },
                resultFailure: { output.failure }))
    }

    @Test("results that a full disk cuts short end the program with 74, and it says so")
    func fullDisk() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        defer { close(full) }
        let diagnostics = TestProgram()
        #expect(program(ResultOutput(full), diagnostics).run(["version"]) == .diskFailed)
        #expect(diagnostics.errors.contains("standard output: No space left on device"))
    }

    @Test("nothing is written behind what is missing")
    func nothingBehindAHole() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let closed = open("/dev/full", O_WRONLY | O_CLOEXEC)
        let output = ResultOutput(closed)
        output.write([1])
        // The descriptor can be written again: space came free.
        #expect(dup2(ends[1], closed) == closed)
        output.write([2])
        close(closed)
        #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == -1)
        #expect(output.failure == "No space left on device")
    }

    @Test("a reader that is gone ends the results in silence")
    func readerGone() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let before = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, before) }
        let diagnostics = TestProgram()
        let output = ResultOutput(ends[1])
        #expect(!output.isCutShort)
        #expect(program(output, diagnostics).run(["version"]) == .done)
        #expect(diagnostics.errors.isEmpty && output.isCutShort)
    }

    @Test("a slow reader gets all of it, also where the descriptor does not wait", .timeLimit(.minutes(1)))
    func slowReader() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        #expect(fcntl(writing, F_SETFL, O_NONBLOCK) == 0)
        let executor = BlockingExecutor(name: "results", threads: 1)
        defer { executor.shutdown() }
        let bytes = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 3) }
        async let failure = executor.run {
            defer { close(writing) }
            let output = ResultOutput(writing)
            output.write(bytes)
            return output.failure
        }
        let reader = BlockingExecutor(name: "reader", threads: 1)
        defer { reader.shutdown() }
        let read = try await reader.run {
            defer { close(reading) }
            var all: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 3_000)
            while true {
                let count = Glibc.read(reading, &chunk, chunk.count)
                guard count > 0 else { return all }
                all += chunk[..<count]
            }
        }
        #expect(try await failure == nil)
        // A difference of a megabyte takes the library minutes to print.
        let isWhole = read == bytes
        #expect(isWhole)
    }
}
