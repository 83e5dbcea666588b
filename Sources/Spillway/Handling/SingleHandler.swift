/// What a handler is told about the record beside its event.
public struct HandlingContext: Sendable {
    /// The record as it was received.
    public let record: Record
    /// The partition that it came from.
    public let partition: TopicPartition
    /// How many times this record is being handled, from 1.
    public let attempt: Int

    /// Makes a context, as tests of handlers need.
    public init(record: Record, partition: TopicPartition, attempt: Int = 1) {
        self.record = record
        self.partition = partition
        self.attempt = attempt
    }
}

/// Handles records one by one.
public protocol SingleHandler: Sendable {
    /// What a record is decoded to.
    associatedtype Event: Sendable

    /// Decodes a record. What it throws is permanent unless the error is a ``RetriableError`` that says otherwise.
    func decode(_ record: Record) throws -> Event

    /// Handles one event; returning means that it is done, at least once and never before its key's earlier ones.
    ///
    /// What it throws is tried again in place, unless the error is a ``RetriableError`` that says that it can't help.
    func handle(_ event: Event, context: HandlingContext) async throws
}
