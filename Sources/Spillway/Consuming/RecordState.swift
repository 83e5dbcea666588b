/// Where an unfinished record of a consumer is.
public enum RecordState: String, Sendable, Hashable, Codable {
    /// It waits for a worker, or for its turn in its key.
    case waiting
    /// A handler has it.
    case running
    /// It failed, and waits for its next attempt.
    case retrying
    /// It is on its way to the side queue or to the dead letters.
    case moving
}
