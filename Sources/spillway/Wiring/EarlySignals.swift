import SpillwayCore
import Synchronization

/// Signals from before there is anything that heeds them: they don't end the process, and are not forgotten.
final class EarlySignals: Sendable {
    private struct State {
        var came: [UnixSignal] = []
        var handler: (@Sendable (UnixSignal) -> Void)?
    }

    private final class Kept: Sendable {
        private let state = Mutex(State())

        var hasAny: Bool { state.withLock { !$0.came.isEmpty } }

        func take(_ signal: UnixSignal) {
            let handler = state.withLock { state in
                state.came.append(signal)
                return state.handler
            }
            handler?(signal)
        }

        func handOn(to handler: @escaping @Sendable (UnixSignal) -> Void) {
            let came = state.withLock { state in
                state.handler = handler
                return state.came
            }
            for signal in came { handler(signal) }
        }
    }

    private let kept = Kept()
    private let source: SignalSource

    /// Listens from here on, until ``cancel()``.
    init(_ signals: [UnixSignal]) {
        source = SignalSource(signals: signals) { [kept] in kept.take($0) }
    }

    /// Whether one has come.
    var haveCome: Bool { kept.hasAny }

    /// Calls the handler, which must return soon, for those that have come and from now on for each that comes.
    func handOn(to handler: @escaping @Sendable (UnixSignal) -> Void) { kept.handOn(to: handler) }

    /// Stops to listen; what the signals did before does not come back.
    func cancel() { source.cancel() }
}
