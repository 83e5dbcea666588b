/// One event of a batch.
public struct BatchItem<Event: Sendable>: Sendable {
    /// The decoded event.
    public let event: Event
    /// The record, the partition and the attempt.
    public let context: HandlingContext

    /// Makes an item, as tests of handlers need.
    public init(event: Event, context: HandlingContext) {
        self.event = event
        self.context = context
    }
}

/// Handles many records at once; a batch closes on size, bytes or time, see ``BatchLimits``.
///
/// Ordered by key, a batch may hold several records of one key, in order; if one of them has to be tried again, the
/// key's later records of the same batch are handled again after it, whatever their outcome was.
public protocol BatchHandler: Sendable {
    /// What a record is decoded to.
    associatedtype Event: Sendable
    /// What ``prepare(_:)`` hands to ``handle(_:prepared:)``.
    associatedtype Prepared: Sendable = Void

    /// Decodes a record; a record that can't be decoded leaves the batch and the others go on. If the error is a
    /// ``RetriableError`` that says so the record comes again, and the later ones of its key leave the batch with it.
    func decode(_ record: Record) throws -> Event

    /// Fetches for the whole batch what handling needs, such as the old rows in one read.
    func prepare(_ events: [Event]) async throws -> Prepared

    /// Handles the batch; the answer has one outcome for each item, in the order of the items.
    ///
    /// Throwing is the same outcome for all of them.
    func handle(_ items: [BatchItem<Event>], prepared: Prepared) async throws -> [RecordOutcome]
}

extension BatchHandler where Prepared == Void {
    /// Prepares nothing.
    public func prepare(_ events: [Event]) async throws {}
}
