/// Names a record that left its consumer: which group read it, and where it stands in the log.
///
/// The same record has the same name however often it is moved, so moving it twice is harmless.
public struct RecordName: Hashable, Sendable, Comparable {
    /// The consumer group.
    public var group: String
    /// The partition that it came from.
    public var partition: TopicPartition
    /// Where it stands in the partition.
    public var position: Position

    /// Names a record.
    public init(group: String, partition: TopicPartition, position: Position) {
        self.group = group
        self.partition = partition
        self.position = position
    }

    /// By the bytes of the names: of a name with an accent there are several spellings, and each is a name of its own.
    public static func == (left: RecordName, right: RecordName) -> Bool {
        left.position == right.position && left.partition.partition == right.partition.partition
            && left.group.hasSameBytes(as: right.group)
            && left.partition.topic.hasSameBytes(as: right.partition.topic)
            && left.partition.source.hasSameBytes(as: right.partition.source)
    }

    /// Orders by the bytes of the group's, the source's and the topic's name, then by partition, then by position.
    public static func < (left: RecordName, right: RecordName) -> Bool {
        if let isLess = left.group.precedes(right.group) { return isLess }
        if let isLess = left.partition.source.precedes(right.partition.source) { return isLess }
        if let isLess = left.partition.topic.precedes(right.partition.topic) { return isLess }
        if left.partition.partition != right.partition.partition {
            return left.partition.partition < right.partition.partition
        }
        return left.position < right.position
    }
}

extension String {
    /// Whether its bytes come before another's; `nil` if they are the same. Not `==`, to which several spellings of one
    /// text are equal.
    fileprivate func precedes(_ other: String) -> Bool? {
        if utf8.elementsEqual(other.utf8) { return nil }
        return utf8.lexicographicallyPrecedes(other.utf8)
    }
}

/// A record in the side queue of a consumer group.
public struct SideEntry: Sendable {
    /// What the entry means for the records of its key that come after it.
    public enum Mode: UInt8, Hashable, Sendable {
        /// They go on: order is waived for this record.
        case delayed = 0
        /// They wait behind it, here too.
        case held = 1
    }

    /// The record's name.
    public var name: RecordName
    /// Whether its key waits for it.
    public var mode: Mode
    /// Not to be handled before this time, in milliseconds since 1970 UTC. Of a held key the first entry's counts.
    public var dueMs: Int64
    /// How often it was handled.
    public var attempts: Int
    /// How often it was taken out of the side queue and came back.
    public var rounds: Int
    /// Why it failed last; empty if it never did.
    public var reason: String
    /// The record as it was received; its position is the name's.
    public var record: Record

    /// Makes an entry. The record gets the name's position, whatever its own is.
    public init(
        name: RecordName, mode: Mode, dueMs: Int64, attempts: Int, rounds: Int, reason: String, record: Record
    ) {
        self.name = name
        self.mode = mode
        self.dueMs = dueMs
        self.attempts = attempts
        self.rounds = rounds
        self.reason = reason
        self.record = record.standing(at: name.position)
    }

    /// What the entry counts for against limits in bytes.
    public var byteCount: Int { record.byteCount + reason.utf8.count }
}

extension [SideEntry] {
    /// The first ones, up to the one with which they have so many bytes.
    package func prefix(bytes most: Int) -> [SideEntry] {
        var bytes = 0
        return Array(
            prefix { entry in
                defer { bytes += entry.byteCount }
                return bytes < most
            })
    }
}

/// A key that waits in the side queue, as a consumer learns it when it is assigned the key's partition.
public struct HeldKeySummary: Sendable, Equatable {
    /// The key.
    public var key: [UInt8]
    /// How many records of the key are there; at least 1.
    public var records: Int
    /// The position of the first of them.
    public var first: Position
    /// When the first may be handled, in milliseconds since 1970 UTC.
    public var dueMs: Int64

    /// Makes a summary.
    public init(key: [UInt8], records: Int, first: Position, dueMs: Int64) {
        self.key = key
        self.records = records
        self.first = first
        self.dueMs = dueMs
    }
}
