import Spillway

/// The records that both sides get: each with a key of its own, and a due time that has nothing to do with its place.
struct SampleRecords: Sendable {
    /// Partitions, in the broker's topic and in the side queue.
    static let partitions = 4
    static let topic = "orders"
    static let group = "mailer"

    let count: Int
    private let value: [UInt8]

    init(_ options: Options) {
        count = options.records
        value = (0..<options.valueBytes).map { UInt8(truncatingIfNeeded: $0 &* 151) }
    }

    private func key(_ number: Int) -> [UInt8] { Array("customer-\(number)".utf8) }

    func message(_ number: Int) -> Message { Message(key: key(number), value: value, timestampMs: 1_000) }

    static func partition(_ number: Int) -> TopicPartition {
        TopicPartition(source: "embedded", topic: topic, partition: number % partitions)
    }

    func name(_ number: Int) -> RecordName {
        RecordName(
            group: Self.group, partition: Self.partition(number), position: Position(high: 1, low: UInt64(number)))
    }

    private func record(_ number: Int) -> Record {
        Record(key: key(number), value: value, position: name(number).position, timestampMs: 1_000)
    }

    func entry(_ number: Int) -> SideEntry {
        SideEntry(
            name: name(number), mode: .delayed, dueMs: 1_000_000 + Int64(number &* 7_919 % 60_000), attempts: 3,
            rounds: 0, reason: "timed out", record: record(number))
    }

    func letter(_ number: Int) -> DeadLetter {
        DeadLetter(
            name: name(number), record: record(number), reason: "no such user", attempts: 3, failedAtMs: 2_000)
    }
}
