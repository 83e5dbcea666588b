/// Sends messages on: to the next interceptor, and at last to the broker.
public typealias SendNext = @Sendable (_ messages: [Message], _ topic: String) async throws -> [SendReceipt]

/// Wraps every send of a ``Producer``, for tracing, metrics, validation or headers.
///
/// Order: the first interceptor of the producer's list is the outermost; it sees the messages first and the receipts
/// last. The limit on what is in flight is inside all of them, so it counts what is really sent. A send of one
/// message comes as a list of one.
public protocol ProducerInterceptor: Sendable {
    /// Wraps a send. It may change the messages, refuse them by throwing, and look at the receipts; it must answer
    /// one receipt for each message that it was given, in their order.
    func send(_ messages: [Message], to topic: String, next: SendNext) async throws -> [SendReceipt]
}
