import Glibc
import SpillwayCore
import Synchronization
import Testing

@Suite(.serialized) struct SignalSourceTests {
    @Test func callsEverySourceUntilItIsCancelled() async {
        let journal = Journal()
        let one = SignalSource(signals: [.sigusr2]) { journal.add("one \($0)") }
        let two = SignalSource(signals: [.sigusr2, .sigquit]) { journal.add("two \($0)") }
        kill(getpid(), SIGUSR2)
        #expect(await eventually { journal.entries.count == 2 })
        #expect(journal.entries == ["one SIGUSR2", "two SIGUSR2"])
        one.cancel()
        one.cancel()
        kill(getpid(), SIGQUIT)
        #expect(await eventually { journal.entries.count == 3 })
        kill(getpid(), SIGUSR2)
        #expect(await eventually { journal.entries.count == 4 })
        #expect(journal.entries.suffix(2) == ["two SIGQUIT", "two SIGUSR2"])
        two.cancel()
    }

    /// This process would not live to see the end of the test otherwise.
    @Test func theDefaultActionStaysOff() async {
        let journal = Journal()
        SignalSource(signals: [.sigquit]) { _ in journal.add("cancelled before") }.cancel()
        kill(getpid(), SIGQUIT)
        let source = SignalSource(signals: [.sigquit]) { journal.add("\($0)") }
        #expect(
            await eventually {
                kill(getpid(), SIGQUIT)
                return journal.entries.contains("SIGQUIT")
            })
        #expect(!journal.entries.contains("cancelled before"))
        source.cancel()
    }

    @Test func handlersRunUnderNoLock() async {
        let made = Mutex<SignalSource?>(nil)
        let journal = Journal()
        let source = SignalSource(signals: [.sigusr2]) { _ in
            made.withLock { $0 = SignalSource(signals: [.sigquit]) { _ in } }
            made.withLock { $0?.cancel() }
            journal.add("done")
        }
        kill(getpid(), SIGUSR2)
        #expect(await eventually { journal.entries == ["done"] })
        source.cancel()
    }

    @Test func aServiceRunsItsHookAndEnds() async throws {
        let journal = Journal()
        let service = SignalService(signals: [.sighup]) { journal.add("\($0)") }
        let group = ServiceGroup(
            services: [Listening(journal: journal), service], logger: Logger(label: "t") { _ in NoOpLogHandler() })
        let run = Task { try await group.run() }
        // The first signal may come before the service listens: this takes its default action away.
        SignalSource(signals: [.sighup]) { _ in }.cancel()
        #expect(
            await eventually {
                kill(getpid(), SIGHUP)
                return journal.entries.contains("SIGHUP")
            })
        group.triggerGracefulShutdown()
        try await run.value
    }

    private struct Listening: Service {
        var journal: Journal
        func run() async throws { try await gracefulShutdown() }
    }
}
