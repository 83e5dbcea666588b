import CSpillwaySystem
import Glibc
import Synchronization

/// Calls a handler when a signal arrives, until it is cancelled or let go.
///
/// The kernel's handler writes one byte to a pipe, and a thread named `signals`, which starts with the first source
/// and stays, reads it (the self-pipe trick, https://cr.yp.to/docs/selfpipe.html). Waiting by `sigwait` would need
/// the signals blocked in every thread, also in those that libraries start, and children would inherit that. Once a
/// signal has had a source its default action stays off: else a second SIGTERM, or a SIGHUP while the program drains,
/// would end it halfway. Several sources of one signal are all called, oldest first.
public final class SignalSource: Sendable {
    private let signals: [UnixSignal]
    private let id: UInt64

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - signals: What to listen to.
    ///   - handler: Called on the thread `signals`, under no lock; must return soon. Signals that come in quick
    ///     succession may be joined into one call by the kernel.
    public init(signals: [UnixSignal], handler: @escaping @Sendable (UnixSignal) -> Void) {
        self.signals = signals
        self.id = SignalDispatcher.shared.add(signals, handler)
    }

    deinit { cancel() }

    /// Stops to listen; a call that runs already is not waited for.
    public func cancel() { SignalDispatcher.shared.remove(signals, id) }
}

/// The process's one reader of the pipe.
private final class SignalDispatcher: Sendable {
    static let shared = SignalDispatcher()

    private struct Entry {
        var id: UInt64
        var handler: @Sendable (UnixSignal) -> Void
    }

    private struct State {
        var nextId: UInt64 = 0
        var entries: [UnixSignal: [Entry]] = [:]
        var isReading = false
    }

    private let state = Mutex(State())

    func add(_ signals: [UnixSignal], _ handler: @escaping @Sendable (UnixSignal) -> Void) -> UInt64 {
        state.withLock { state in
            if !state.isReading {
                state.isReading = true
                startReading()
            }
            state.nextId += 1
            for signal in signals {
                if state.entries[signal] == nil {
                    precondition(spillway_signal_trap(signal.rawValue) == 0, "\(signal) can't be handled")
                }
                state.entries[signal, default: []].append(Entry(id: state.nextId, handler: handler))
            }
            return state.nextId
        }
    }

    func remove(_ signals: [UnixSignal], _ id: UInt64) {
        state.withLock { state in
            for signal in signals { state.entries[signal]?.removeAll { $0.id == id } }
        }
    }

    private func startReading() {
        let descriptor = spillway_signal_pipe()
        precondition(descriptor >= 0, "no pipe could be made for signals: error \(-descriptor)")
        let thread = NativeThread(name: "signals") { [self] in
            while true {
                var number: UInt8 = 0
                // Safe: one byte is read into one byte.
                let count = unsafe read(descriptor, &number, 1)
                if count == 1 { dispatch(Int32(number)) }
                if count == 0 || (count < 0 && errno != EINTR) { return }
            }
        }
        // The thread lasts as long as the process; nobody joins it.
        _ = thread
    }

    private func dispatch(_ number: Int32) {
        let (signal, handlers) = state.withLock { state in
            let signal = state.entries.keys.first { $0.rawValue == number }
            return (signal, signal.flatMap { state.entries[$0] } ?? [])
        }
        guard let signal else { return }
        for entry in handlers { entry.handler(signal) }
    }
}
