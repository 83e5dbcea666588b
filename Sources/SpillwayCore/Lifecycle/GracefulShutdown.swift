/// Runs an operation, and the handler if graceful shutdown is asked for meanwhile; at once if it was before.
///
/// The handler runs beside the operation, once, under no lock; it may still run when the operation has returned.
/// Outside a ``ServiceGroup`` it never runs.
public func withGracefulShutdownHandler<Result>(
    operation: () async throws -> Result, onGracefulShutdown handler: @escaping @Sendable () -> Void
) async rethrows -> Result {
    guard let manager = TaskLocals.gracefulShutdownManager else { return try await operation() }
    let id = manager.register(handler)
    defer { if let id { manager.remove(id) } }
    return try await operation()
}

/// Runs an operation, and the handler when graceful shutdown is asked for or the task is cancelled; if both happen, it
/// runs twice.
public func withTaskCancellationOrGracefulShutdownHandler<Result>(
    operation: () async throws -> Result, onCancelOrGracefulShutdown handler: @escaping @Sendable () -> Void
) async rethrows -> Result {
    try await withTaskCancellationHandler {
        try await withGracefulShutdownHandler(operation: operation, onGracefulShutdown: handler)
    } onCancel: {
        handler()
    }
}

/// Waits until graceful shutdown is asked for. Outside a ``ServiceGroup`` that is never.
///
/// - Throws: `CancellationError` if the task is cancelled before.
public func gracefulShutdown() async throws {
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    await withTaskCancellationOrGracefulShutdownHandler {
        for await _ in stream {}
    } onCancelOrGracefulShutdown: {
        continuation.finish()
    }
    if !Task.isShuttingDownGracefully { throw CancellationError() }
}

/// Runs an operation and cancels it when graceful shutdown is asked for.
///
/// - Returns: What the operation returned.
/// - Throws: What the operation throws, such as `CancellationError`.
public func cancelWhenGracefulShutdown<Result: Sendable>(
    _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try? await gracefulShutdown()
            return nil
        }
        defer { group.cancelAll() }
        while let result = try await group.next() {
            if let result { return result }
            group.cancelAll()
        }
        preconditionFailure("the operation neither returned nor threw")
    }
}

extension Task where Success == Never, Failure == Never {
    /// True once graceful shutdown of the service that this task belongs to was asked for.
    public static var isShuttingDownGracefully: Bool {
        TaskLocals.gracefulShutdownManager?.isShuttingDown ?? false
    }
}
