/// Names an event for a ``Deduplicator``: the same event has the same id however often it is delivered.
public struct EventID: Hashable, Sendable {
    /// Whose handling is remembered, such as a consumer group: each scope handles an event once. At most 255 bytes.
    public var scope: [UInt8]
    /// The event, within its scope; 1 to 1,024 bytes. Something that the event's producer chose, not its position: a
    /// message that was sent twice has two positions.
    public var id: [UInt8]

    /// Names an event.
    public init(scope: [UInt8], id: [UInt8]) {
        self.scope = scope
        self.id = id
    }

    /// What the id counts for against ``DeduplicatorLimits/maxBytes``: its bytes, and 128 for keeping them.
    public var byteCount: Int { scope.count + id.count + 128 }

    /// Checks the lengths.
    ///
    /// - Throws: ``DeduplicatorError`` with ``DeduplicatorError/Code/invalidID``.
    public func validate() throws {
        guard scope.count <= 255 else {
            throw DeduplicatorError(.invalidID, "a scope has at most 255 bytes, not \(scope.count)", isRetriable: false)
        }
        guard (1...1_024).contains(id.count) else {
            throw DeduplicatorError(
                .invalidID, "an event's id has 1 to 1,024 bytes, not \(id.count)", isRetriable: false)
        }
    }
}
