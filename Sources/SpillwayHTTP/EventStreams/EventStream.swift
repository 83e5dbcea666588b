/// A response of server-sent events: a closure that sends them, as a task on the connection's loop.
///
/// The stream ends when the closure returns or throws, when the client goes, and when the server shuts down; in the last
/// two cases the closure's task is cancelled, so it should end on cancellation.
///
/// The request is kept for as long as the stream lives, and so is what its body takes of the memory that the server has for
/// large bodies: a route that streams should take no body, or a small one.
public final class EventStream: Sendable {
    /// How much may wait for one slow reader, and what happens beyond it.
    public struct Options: Sendable {
        /// What happens when the queue is full and the new event replaces none in it.
        public enum Overflow: Sendable {
            /// The stream ends; the client comes back and gets the present state.
            case close
            /// The oldest events that wait are dropped.
            case dropOldest
        }

        /// The most events that wait; 256 by default.
        public var maximumQueuedEvents: Int
        /// The most bytes that wait; 256 KiB by default.
        public var maximumQueuedBytes: Int
        /// What happens beyond; `close` by default.
        public var overflow: Overflow
        /// After this time without an event a comment is sent, so that proxies keep the connection and a client that
        /// has gone is found; 15 s by default.
        public var heartbeat: Duration

        /// Makes options.
        public init(
            maximumQueuedEvents: Int = 256, maximumQueuedBytes: Int = 256 << 10, overflow: Overflow = .close,
            heartbeat: Duration = .seconds(15)
        ) {
            self.maximumQueuedEvents = maximumQueuedEvents
            self.maximumQueuedBytes = maximumQueuedBytes
            self.overflow = overflow
            self.heartbeat = heartbeat
        }
    }

    /// The stream's options.
    public let options: Options
    /// What sends the events.
    let body: @Sendable (EventStreamWriter) async throws -> Void

    /// Makes a stream.
    public init(_ options: Options = Options(), _ body: @escaping @Sendable (EventStreamWriter) async throws -> Void) {
        self.options = options
        self.body = body
    }

    /// Runs the stream without a socket and returns what it sent; for tests of handlers.
    package func collect(limit: Int) async throws -> [UInt8] {
        let writer = EventStreamWriter(options: options, wake: {})
        try await body(writer)
        return writer.take(upToBytes: limit)
    }
}
