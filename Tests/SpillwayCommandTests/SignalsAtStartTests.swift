import Glibc
import SpillwayCore
import Synchronization
import Testing

@testable import spillway

@Suite("Signals while it starts")
struct SignalsAtStartTests {
    @Test("neither a reload nor the request to end, however early, ends the process by itself")
    func untrapped() async {
        await #expect(processExitsWith: .exitCode(42)) {
            // It gets no further than the directory, which is none.
            let values = try resolve(.serve, ["--data", "/dev/null", "--port", "0"])
            await #expect(throws: (any Error).self) { try await EmbeddedServer(ServeConfiguration(values)).run() }
            for signal in [SIGHUP, SIGTERM, SIGINT] { kill(getpid(), signal) }
            exit(42)
        }
    }

    @Test("what comes early is handed on later, and what comes later at once", .timeLimit(.minutes(1)))
    func handedOn() async throws {
        let early = EarlySignals([.sigusr2])
        defer { early.cancel() }
        #expect(!early.haveCome)
        kill(getpid(), SIGUSR2)
        while !early.haveCome { try await Task.sleep(for: .milliseconds(1)) }
        let seen = Atomic<Int>(0)
        early.handOn { signal in
            if signal == .sigusr2 { seen.add(1, ordering: .sequentiallyConsistent) }
        }
        #expect(seen.load(ordering: .sequentiallyConsistent) == 1)
        kill(getpid(), SIGUSR2)
        while seen.load(ordering: .sequentiallyConsistent) < 2 { try await Task.sleep(for: .milliseconds(1)) }
    }
}
