import Spillway

extension RecordName {
    /// A name of a record in a test.
    static func sample(
        _ low: UInt64, high: UInt64 = 1, group: String = "g", source: String = "s", topic: String = "t",
        partition: Int = 0
    ) -> RecordName {
        RecordName(
            group: group, partition: TopicPartition(source: source, topic: topic, partition: partition),
            position: Position(high: high, low: low))
    }
}

extension SideEntry {
    /// An entry of a test; its value says which.
    static func sample(
        _ name: RecordName, _ mode: Mode = .delayed, dueMs: Int64 = 0, key: [UInt8]? = [1], value: [UInt8]? = nil,
        attempts: Int = 1, rounds: Int = 0, reason: String = "", headers: [Header] = []
    ) -> SideEntry {
        SideEntry(
            name: name, mode: mode, dueMs: dueMs, attempts: attempts, rounds: rounds, reason: reason,
            record: Record(
                key: key, value: value, position: name.position, timestampMs: 1_000 &+ dueMs, headers: headers))
    }
}

extension DeadLetter {
    /// A letter of a test.
    static func sample(
        _ name: RecordName, key: [UInt8]? = [1], value: [UInt8]? = nil, reason: String = "broken", attempts: Int = 3,
        failedAtMs: Int64 = 5_000, headers: [Header] = []
    ) -> DeadLetter {
        DeadLetter(
            name: name,
            record: Record(
                key: key, value: value, position: name.position, timestampMs: 2_000, headers: headers),
            reason: reason, attempts: attempts, failedAtMs: failedAtMs)
    }
}

/// Everything of an entry as text, to compare and to show.
func text(_ entry: SideEntry) -> String {
    "\(text(entry.name)) mode \(entry.mode) due \(entry.dueMs) attempts \(entry.attempts) rounds \(entry.rounds) "
        + "reason \(Array(entry.reason.utf8)) \(text(entry.record))"
}

/// Everything of a letter as text, to compare and to show.
func text(_ letter: DeadLetter) -> String {
    "\(text(letter.name)) attempts \(letter.attempts) at \(letter.failedAtMs) reason \(Array(letter.reason.utf8)) "
        + text(letter.record)
}

/// A name as text, of which equal texts have equal bytes.
func text(_ name: RecordName) -> String {
    let texts = [name.group, name.partition.source, name.partition.topic].map { "\(Array($0.utf8))" }
    return "\(texts.joined(separator: "/")) \(name.partition.partition) \(name.position.high).\(name.position.low)"
}

private func text(_ record: Record) -> String {
    func bytes(_ slice: ArraySlice<UInt8>?) -> String { slice.map { "\(Array($0))" } ?? "none" }
    let headers = record.headers.map { "\(Array($0.name.utf8))=\($0.value)" }
    let position = record.position.map { "\($0.high).\($0.low)" } ?? "none"
    return "key \(bytes(record.key)) value \(bytes(record.value)) at \(position) time \(record.timestampMs) "
        + "headers \(headers)"
}

/// Shorter calls for the one group and the one partition that most checks use.
extension FailureStore {
    private var partition: TopicPartition { RecordName.sample(0).partition }

    func delayed(by dueMs: Int64 = .max, limit: Int = 1_000) async throws -> [UInt64] {
        try await delayedEntries(group: "g", partition: partition, dueByMs: dueMs, limit: limit)
            .map(\.name.position.low)
    }

    func held(_ key: [UInt8] = [1], from low: UInt64 = 0, limit: Int = 1_000) async throws -> [UInt64] {
        try await heldEntries(
            group: "g", partition: partition, key: key, from: Position(high: 1, low: low), limit: limit
        ).map(\.name.position.low)
    }

    func heldKeys() async throws -> [HeldKeySummary] {
        try await heldKeys(group: "g", partition: partition).sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    func letters(group: String? = nil, after name: RecordName? = nil, limit: Int = 1_000) async throws -> [String] {
        try await deadLetters(group: group, after: name, limit: limit).map { text($0.name) }
    }

    func put(_ entries: SideEntry...) async throws { try await apply(entries.map { .put($0) }) }
    func bury(_ letters: DeadLetter...) async throws { try await apply(letters.map { .bury($0) }) }
}

extension HeldKeySummary {
    /// A summary whose position is of one log's epoch.
    static func sample(_ key: [UInt8], _ records: Int, _ first: UInt64, dueMs: Int64) -> HeldKeySummary {
        HeldKeySummary(key: key, records: records, first: Position(high: 1, low: first), dueMs: dueMs)
    }
}
