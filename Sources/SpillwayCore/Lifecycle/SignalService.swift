/// Runs a hook each time a signal arrives, such as reading certificates again on SIGHUP, until graceful shutdown or
/// cancellation.
///
/// Hooks run one after the other. Signals that arrive while one runs are joined: the hook runs once more after it.
public struct SignalService: Service {
    private let signals: [UnixSignal]
    private let hook: @Sendable (UnixSignal) async -> Void

    /// Makes a service.
    ///
    /// - Parameters:
    ///   - signals: What to listen to.
    ///   - hook: What to do; it reports its own errors.
    public init(signals: [UnixSignal], onSignal hook: @escaping @Sendable (UnixSignal) async -> Void) {
        self.signals = signals
        self.hook = hook
    }

    /// Listens and runs the hook.
    public func run() async throws {
        let (stream, continuation) = AsyncStream<UnixSignal>.makeStream(
            bufferingPolicy: .bufferingNewest(signals.count))
        let source = SignalSource(signals: signals) { continuation.yield($0) }
        defer { source.cancel() }
        await withGracefulShutdownHandler {
            for await signal in stream {
                if Task.isShuttingDownGracefully { return }
                await hook(signal)
            }
        } onGracefulShutdown: {
            continuation.finish()
        }
    }
}
