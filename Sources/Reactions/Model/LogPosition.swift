public import Spillway

/// Where a vote stands: the partition and the position in its log. Text form `epoch.partition.sequence`, decimal, as in
/// the header `Spillway-Position`; several are joined by commas.
public struct LogPosition: Hashable, Sendable, CustomStringConvertible {
    /// The partition's number.
    public var partition: Int
    /// The position in it; `high` names the log's epoch.
    public var position: Position

    /// Makes a position.
    public init(partition: Int, position: Position) {
        self.partition = partition
        self.position = position
    }

    /// The log's epoch.
    public var epoch: UInt64 { position.high }

    /// The sequence within the epoch.
    public var sequence: UInt64 { position.low }

    /// `epoch.partition.sequence`.
    public var description: String { "\(epoch).\(partition).\(sequence)" }

    /// Reads the text form; `nil` if it is not one.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let high = UInt64(parts[0]), let partition = Int(parts[1]), partition >= 0,
            let low = UInt64(parts[2])
        else { return nil }
        self.init(partition: partition, position: Position(high: high, low: low))
    }

    /// The highest of the positions in each partition, in no order: what is applied up to these is applied up to all.
    static func highest(of positions: [LogPosition]) -> [LogPosition] {
        if positions.count < 2 { return positions }
        let highest = Dictionary(positions.map { ($0.partition, $0.position) }, uniquingKeysWith: max)
        return highest.map { LogPosition(partition: $0.key, position: $0.value) }
    }
}
