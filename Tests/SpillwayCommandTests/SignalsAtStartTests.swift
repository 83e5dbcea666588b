import Glibc
import Testing

@testable import spillway

@Suite("Signals while it starts")
struct SignalsAtStartTests {
    @Test("SIGHUP, as of a reload that comes early, does not end the process")
    func hangUp() async {
        await #expect(processExitsWith: .exitCode(42)) {
            // It gets no further than the directory, which is none.
            let values = try resolve(.serve, ["--data", "/dev/null"])
            await #expect(throws: (any Error).self) { try await EmbeddedServer(ServeConfiguration(values)).run() }
            kill(getpid(), SIGHUP)
            exit(42)
        }
    }
}
