import Synchronization
import Testing

@testable import SpillwayCore

@Suite struct GracefulShutdownTests {
    private func under<Result: Sendable>(
        _ manager: GracefulShutdownManager, _ body: @Sendable () async throws -> Result
    ) async rethrows -> Result {
        try await TaskLocals.$gracefulShutdownManager.withValue(manager) { try await body() }
    }

    @Test func handlersRunOnceInOrder() async {
        let manager = GracefulShutdownManager()
        let journal = Journal()
        await under(manager) {
            await withGracefulShutdownHandler {
                await withGracefulShutdownHandler {
                    #expect(!Task.isShuttingDownGracefully)
                    manager.shutdownGracefully()
                    manager.shutdownGracefully()
                    #expect(Task.isShuttingDownGracefully)
                } onGracefulShutdown: {
                    journal.add("inner")
                }
            } onGracefulShutdown: {
                journal.add("outer")
            }
        }
        #expect(journal.entries == ["outer", "inner"])
    }

    @Test func handlersRunAtOnceWhenShutdownHasBegun() async {
        let manager = GracefulShutdownManager()
        manager.shutdownGracefully()
        let journal = Journal()
        await under(manager) {
            await withGracefulShutdownHandler {
                journal.add("operation")
            } onGracefulShutdown: {
                journal.add("handler")
            }
        }
        #expect(journal.entries == ["handler", "operation"])
    }

    @Test func handlersGoWithTheirOperation() async {
        let manager = GracefulShutdownManager()
        let journal = Journal()
        await under(manager) {
            await withGracefulShutdownHandler {
            } onGracefulShutdown: {
                journal.add("handler")
            }
        }
        manager.shutdownGracefully()
        #expect(journal.entries.isEmpty)
    }

    /// A handler that comes back to the manager would wait for itself if it ran under the manager's lock.
    @Test(.timeLimit(.minutes(1))) func handlersRunUnderNoLock() async {
        let manager = GracefulShutdownManager()
        let journal = Journal()
        await under(manager) {
            await withGracefulShutdownHandler {
                manager.shutdownGracefully()
            } onGracefulShutdown: {
                _ = manager.register { journal.add("registered by a handler") }
                manager.remove(0)
                journal.add("\(manager.isShuttingDown)")
            }
        }
        #expect(journal.entries == ["registered by a handler", "true"])
    }

    @Test func childrenHearOfIt() async throws {
        let manager = GracefulShutdownManager()
        try await under(manager) {
            async let child: Void = gracefulShutdown()
            manager.shutdownGracefully()
            try await child
        }
    }

    @Test func waitingEndsByCancellation() async {
        let task = Task { try await gracefulShutdown() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func cancelsAnOperation() async throws {
        let manager = GracefulShutdownManager()
        await #expect(throws: CancellationError.self) {
            try await under(manager) {
                try await cancelWhenGracefulShutdown {
                    manager.shutdownGracefully()
                    try await Task.sleep(for: .seconds(60))
                }
            }
        }
        #expect(try await cancelWhenGracefulShutdown { 7 } == 7)
        #expect(try await under(manager) { try await cancelWhenGracefulShutdown { 8 } } == 8)
    }

    @Test func cancellationOrShutdownBothTell() async {
        let manager = GracefulShutdownManager()
        let journal = Journal()
        let task = Task {
            await under(manager) {
                await withTaskCancellationOrGracefulShutdownHandler {
                    manager.shutdownGracefully()
                    withUnsafeCurrentTask { $0?.cancel() }
                } onCancelOrGracefulShutdown: {
                    journal.add("told")
                }
            }
        }
        await task.value
        #expect(journal.entries == ["told", "told"])
    }
}
