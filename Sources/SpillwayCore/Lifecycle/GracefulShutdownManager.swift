import Synchronization

/// Knows whether one service was asked to shut down, and whom to tell; each service of a group has its own.
final class GracefulShutdownManager: Sendable {
    private struct State {
        var isShuttingDown = false
        var nextId: UInt64 = 0
        var handlers: [(id: UInt64, handler: @Sendable () -> Void)] = []
    }

    private let state = Mutex(State())

    var isShuttingDown: Bool { state.withLock { $0.isShuttingDown } }

    /// Keeps the handler, or runs it at once, under no lock, if shutdown has begun; then returns nil.
    func register(_ handler: @escaping @Sendable () -> Void) -> UInt64? {
        let id: UInt64? = state.withLock { state in
            if state.isShuttingDown { return nil }
            state.nextId += 1
            state.handlers.append((state.nextId, handler))
            return state.nextId
        }
        if id == nil { handler() }
        return id
    }

    func remove(_ id: UInt64) {
        state.withLock { state in state.handlers.removeAll { $0.id == id } }
    }

    /// Begins the shutdown and runs the handlers, in the order of their registration, under no lock. From the second
    /// call on nothing happens.
    func shutdownGracefully() {
        let handlers = state.withLock { state in
            state.isShuttingDown = true
            defer { state.handlers = [] }
            return state.handlers
        }
        for entry in handlers { entry.handler() }
    }
}

/// What a task and its children carry along.
enum TaskLocals {
    @TaskLocal static var gracefulShutdownManager: GracefulShutdownManager?
}
