/// What an audit found.
public struct AuditReport: Hashable, Sendable {
    /// Targets that have been voted on.
    public var targets = 0
    /// Rows whose state is like or dislike.
    public var reactions = 0
    /// Wrong counts, list entries that lack or are too many, rows that the log knows and the store does not, and what
    /// ``damaged`` counts.
    public var drift = 0
    /// Rows, names and entries that are there and can't be read. What depends on such a row or name was not repaired.
    public var damaged = 0
    /// Keys that the repair wrote or deleted.
    public var repaired = 0
    /// The first few, for people.
    public var findings: [String] = []

    /// Nothing found yet.
    public init() {}

    /// How many findings are described.
    static let describedFindings = 20

    mutating func found(_ finding: @autoclosure () -> String, count: Int = 1) {
        drift += count
        if findings.count < Self.describedFindings { findings.append(finding()) }
    }

    mutating func foundDamage(_ finding: @autoclosure () -> String) {
        damaged += 1
        found(finding())
    }

    /// The last line: `targets=… reactions=… drift=…`.
    public var summary: String { "targets=\(targets) reactions=\(reactions) drift=\(drift)" }
}
