internal import Synchronization

/// Where a stream's closure sends its events. Sending never waits: what the reader does not take is queued, and the
/// queue is bounded.
public final class EventStreamWriter: Sendable {
    private struct State {
        var queue: EventQueue
        var isClosed = false
        var isAwake = false
        var hasOverflowed = false
        var droppedEvents = 0
    }

    private let state: Mutex<State>
    /// Called, under no lock, when there is something to take or the stream is closed from this side.
    private let wake: @Sendable () -> Void

    init(options: EventStream.Options, wake: @escaping @Sendable () -> Void) {
        state = Mutex(State(queue: EventQueue(options: options)))
        self.wake = wake
    }

    /// Whether nobody hears any more.
    public var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Sends an event, from any thread.
    ///
    /// - Throws: `CancellationError` when the client has gone, when it reads too slowly and the options say that the
    ///   stream ends then, or when the server shuts down.
    public func send(_ event: ServerSentEvent) throws {
        let (isOpen, mustWake) = state.withLock { state in
            if state.isClosed { return (false, false) }
            switch state.queue.push(event) {
            case .queued, .replaced: break
            case .dropped(let count): state.droppedEvents += count
            case .full:
                state.isClosed = true
                state.hasOverflowed = true
                return (false, true)
            }
            let wasAsleep = !state.isAwake
            state.isAwake = true
            return (true, wasAsleep)
        }
        if mustWake { wake() }
        if !isOpen { throw CancellationError() }
    }

    /// Takes what waits, up to about that many bytes; empty when there is nothing, and then the next event wakes.
    func take(upToBytes limit: Int) -> [UInt8] {
        state.withLock { state in
            var bytes: [UInt8] = []
            while bytes.count < limit, let next = state.queue.pop() {
                if bytes.isEmpty { bytes = next } else { bytes += next }
            }
            if state.queue.isEmpty { state.isAwake = false }
            return bytes
        }
    }

    /// Whether the stream ended since the reader was too slow.
    var hasOverflowed: Bool { state.withLock { $0.hasOverflowed } }

    /// Whether nothing waits.
    var isEmpty: Bool { state.withLock { $0.queue.isEmpty } }

    /// How many events were dropped for a reader that was too slow.
    public var droppedEvents: Int { state.withLock { $0.droppedEvents } }

    /// Refuses events from now on.
    func close() { state.withLock { $0.isClosed = true } }
}
