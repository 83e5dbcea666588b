/// A place in one partition of a log, comparable with other places of the same partition only.
///
/// A position is a broker's own: two words, ordered lexicographically, whose meaning the engine does not know. The
/// embedded broker stores the log's epoch and the record's sequence, Kafka would store zero and the offset, Redis
/// Streams the two halves of an entry's id.
public struct Position: Hashable, Comparable, Sendable {
    /// The more significant word; for the embedded broker the log's epoch.
    public var high: UInt64
    /// The less significant word; for the embedded broker the record's sequence.
    public var low: UInt64

    /// Makes a position of its two words.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The first place that there can be: no record of a partition stands before it. One may stand at it, as in a log
    /// that counts from zero.
    public static let start = Position(high: 0, low: 0)

    /// The first place after this one: what is committed when everything up to and with this record is done.
    public var successor: Position {
        low == .max ? Position(high: high + 1, low: 0) : Position(high: high, low: low + 1)
    }

    /// Orders by `high`, then by `low`.
    @inlinable
    public static func < (left: Position, right: Position) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

/// Names a partition: the source (a broker's own name), the topic and the partition's number, from zero.
public struct TopicPartition: Hashable, Sendable, CustomStringConvertible {
    /// The broker's name, so that one consumer can read from several brokers.
    public var source: String
    /// The topic's name.
    public var topic: String
    /// The partition's number, from zero.
    public var partition: Int

    /// Names a partition.
    public init(source: String, topic: String, partition: Int) {
        self.source = source
        self.topic = topic
        self.partition = partition
    }

    /// `source/topic/partition`.
    public var description: String { "\(source)/\(topic)/\(partition)" }
}
