import Glibc
import Synchronization
import Testing

@testable import SpillwayCore

/// Runs until it is asked to end, and writes down what happens to it.
private struct Recorded: Service, CustomStringConvertible {
    var description: String { name }
    var name: String
    var journal: Journal
    var body: @Sendable () async throws -> Void = { try await gracefulShutdown() }

    func run() async throws {
        journal.add("\(name) starts")
        defer { journal.add("\(name) ends") }
        try await body()
    }
}

@Suite(.serialized) struct ServiceGroupTests {
    private struct Failure: Error {}
    private let logger = Logger(label: "test") { _ in NoOpLogHandler() }
    private let journal = Journal()

    private func until(_ lines: Int) async { _ = await eventually { journal.entries.count >= lines } }

    @Test func stopsInReverseOneAfterTheOther() async throws {
        let group = ServiceGroup(
            services: ["a", "b", "c"].map { Recorded(name: $0, journal: journal) }, logger: logger)
        let run = Task { try await group.run() }
        await until(3)
        #expect(Set(journal.entries) == ["a starts", "b starts", "c starts"])
        group.triggerGracefulShutdown()
        try await run.value
        #expect(Array(journal.entries[3...]) == ["c ends", "b ends", "a ends"])
        await #expect(throws: ServiceGroupError.self) { try await group.run() }
    }

    @Test func triggeringBeforeRunTakesEffect() async throws {
        let group = ServiceGroup(services: [Recorded(name: "a", journal: journal)], logger: logger)
        group.triggerGracefulShutdown()
        try await group.run()
        #expect(journal.entries == ["a starts", "a ends"])
    }

    @Test(arguments: [UnixSignal.sigterm, .sigint])
    func signalsDrain(signal: UnixSignal) async throws {
        let group = ServiceGroup(
            services: [Recorded(name: "a", journal: journal)], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger)
        let run = Task { try await group.run() }
        await until(1)
        kill(getpid(), signal.rawValue)
        try await run.value
        #expect(journal.entries == ["a starts", "a ends"])
    }

    @Test func cancellationSignalsCancel() async throws {
        let group = ServiceGroup(
            services: [Recorded(name: "a", journal: journal)], cancellationSignals: [.sigusr1], logger: logger)
        let run = Task { try await group.run() }
        await until(1)
        kill(getpid(), UnixSignal.sigusr1.rawValue)
        await #expect(throws: CancellationError.self) { try await run.value }
    }

    @Test func theFirstErrorIsThrownAndTheOthersAreCancelled() async throws {
        let group = ServiceGroup(
            services: [
                Recorded(name: "a", journal: journal),
                Recorded(name: "b", journal: journal) { throw Failure() },
            ], logger: logger)
        await #expect(throws: Failure.self) { try await group.run() }
        #expect(journal.entries.contains("a ends"))
    }

    @Test func whatTakesTooLongIsCancelledAndTold() async throws {
        let group = ServiceGroup(
            services: [
                Recorded(name: "a", journal: journal),
                Recorded(name: "slow", journal: journal) { try await Task.sleep(for: .seconds(60)) },
            ], maximumGracefulShutdownDuration: .milliseconds(20), logger: logger)
        let run = Task { try await group.run() }
        await until(2)
        group.triggerGracefulShutdown()
        let error = await #expect(throws: ServiceGroupError.self) { try await run.value }
        #expect(error?.code == .gracefulShutdownDeadlinePassed)
        #expect(error?.services == ["a", "slow"])
        #expect(journal.entries.contains("slow ends") && journal.entries.contains("a ends"))
    }

    @Test func namesWhatDoesNotEvenEndWhenCancelled() async throws {
        let release = Mutex(false)
        let told = Mutex<ServiceGroupError?>(nil)
        let stuck = Recorded(name: "stuck", journal: journal) {
            // Ignores cancellation, as a service with a bug does.
            while !release.withLock({ $0 }) { await Task.yield() }
        }
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: stuck, serviceName: "stuck")], logger: logger)
        configuration.maximumGracefulShutdownDuration = .milliseconds(10)
        configuration.maximumCancellationDuration = .milliseconds(10)
        configuration.onUnresponsive = { error in told.withLock { $0 = error } }
        let group = ServiceGroup(configuration: configuration)
        let run = Task { try await group.run() }
        await until(1)
        group.triggerGracefulShutdown()
        #expect(await eventually { told.withLock { $0 } != nil })
        #expect(told.withLock { $0 }?.code == .servicesUnresponsive)
        #expect(told.withLock { $0 }?.services == ["stuck"])
        release.withLock { $0 = true }
        let error = await #expect(throws: ServiceGroupError.self) { try await run.value }
        #expect(error?.code == .gracefulShutdownDeadlinePassed)
    }

    @Test func anEndInTimeLeavesNoDeadlineBehind() async throws {
        let told = Mutex(false)
        let failing = Recorded(name: "b", journal: journal) { throw Failure() }
        var configuration = ServiceGroupConfiguration(
            services: [.init(service: Recorded(name: "a", journal: journal)), .init(service: failing)], logger: logger)
        // Long enough for services to end on a machine that is busy with other tests.
        configuration.maximumCancellationDuration = .seconds(3)
        configuration.onUnresponsive = { _ in told.withLock { $0 = true } }
        await #expect(throws: Failure.self) { try await ServiceGroup(configuration: configuration).run() }
        // Past the deadline: what it would have called has had its time.
        try await Task.sleep(for: .seconds(4))
        #expect(!told.withLock { $0 })
    }

    @Test func cancellingTheTaskCancelsTheServices() async throws {
        let group = ServiceGroup(services: [Recorded(name: "a", journal: journal)], logger: logger)
        let task = Task { try await group.run() }
        await until(1)
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(journal.entries == ["a starts", "a ends"])
    }

    @Test func groupsNest() async throws {
        let inner = ServiceGroup(
            services: ["x", "y"].map { Recorded(name: $0, journal: journal) }, logger: logger)
        let outer = ServiceGroup(services: [Recorded(name: "a", journal: journal), inner], logger: logger)
        let run = Task { try await outer.run() }
        await until(3)
        outer.triggerGracefulShutdown()
        try await run.value
        #expect(Array(journal.entries[3...]) == ["y ends", "x ends", "a ends"])
    }

    @Test func anEmptyGroupReturns() async throws {
        try await ServiceGroup(services: [], logger: logger).run()
    }
}
