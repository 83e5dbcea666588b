/// What the events of one key were folded into.
public struct KeyedAggregate<Aggregate: Sendable>: Sendable {
    /// The key; empty for records without one.
    public let key: [UInt8]
    /// The fold of the key's events since the last flush.
    public let aggregate: Aggregate
    /// How many events it holds.
    public let eventCount: Int

    /// Makes an aggregate, as tests of handlers need.
    public init(key: [UInt8], aggregate: Aggregate, eventCount: Int) {
        self.key = key
        self.aggregate = aggregate
        self.eventCount = eventCount
    }
}

/// Folds many events of a key into one, and handles that: a thousand likes on one video are one update.
///
/// The fold is flushed when the batch closes on size, bytes or time, see ``BatchLimits``; records count as unfinished
/// until their key's flush is done, so a crash folds them again.
public protocol AggregateHandler: Sendable {
    /// What a record is decoded to.
    associatedtype Event: Sendable
    /// What events are folded into.
    associatedtype Aggregate: Sendable

    /// Decodes a record; a record that can't be decoded leaves the fold and the others go on. If the error is a
    /// ``RetriableError`` that says so the record comes again, and the later ones of its key leave the batch with it.
    func decode(_ record: Record) throws -> Event

    /// Folds one event into the key's aggregate, which is `nil` at the key's first event.
    func fold(_ event: Event, into aggregate: inout Aggregate?)

    /// Handles the aggregates; the answer has one outcome for each, which holds for all its records.
    func flush(_ aggregates: [KeyedAggregate<Aggregate>]) async throws -> [RecordOutcome]
}
