import Synchronization

/// Runs a hook each time a signal arrives, such as reading certificates again on SIGHUP, until graceful shutdown or
/// cancellation.
///
/// Hooks run one after the other, in the order in which the signals came. A signal that comes again before its hook
/// has begun is joined with the one before.
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
        let pending = Mutex<[UnixSignal]>([])
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let source = SignalSource(signals: signals) { signal in
            pending.withLock { if !$0.contains(signal) { $0.append(signal) } }
            continuation.yield()
        }
        defer { source.cancel() }
        await withGracefulShutdownHandler {
            for await _ in stream {
                while let signal = pending.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                    if Task.isShuttingDownGracefully || Task.isCancelled { return }
                    await hook(signal)
                }
            }
        } onGracefulShutdown: {
            continuation.finish()
        }
    }
}
