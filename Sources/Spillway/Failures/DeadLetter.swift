/// A record that was given up, with everything that is needed to understand it, or to send it again.
public struct DeadLetter: Sendable {
    /// Which record, of which group.
    public var name: RecordName
    /// The record as it was received: the original key, value, headers and time; its position is the name's.
    public var record: Record
    /// Why it was given up.
    public var reason: String
    /// How often it was handled; at least 1.
    public var attempts: Int
    /// When it was given up, in milliseconds since 1970 UTC.
    public var failedAtMs: Int64

    /// Makes a dead letter. The record gets the name's position, whatever its own is.
    public init(name: RecordName, record: Record, reason: String, attempts: Int, failedAtMs: Int64) {
        self.name = name
        self.record = record.standing(at: name.position)
        self.reason = reason
        self.attempts = attempts
        self.failedAtMs = failedAtMs
    }

    /// What the letter counts for against limits in bytes.
    public var byteCount: Int { record.byteCount + reason.utf8.count }
}
