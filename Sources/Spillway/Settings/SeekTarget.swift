/// Where a consumer goes on.
public enum SeekTarget: Hashable, Sendable, CustomStringConvertible {
    /// At the oldest record that is kept.
    case earliest
    /// After the newest record.
    case latest
    /// At the first record of each partition whose time is at or after this one, in milliseconds since 1970 UTC.
    case time(ms: Int64)
    /// At these positions; partitions that are not named go on where they are.
    case positions([Int: Position])

    /// The target in words, for the history.
    public var description: String {
        switch self {
        case .earliest: "earliest"
        case .latest: "latest"
        case .time(let ms): "time \(ms)"
        case .positions(let positions):
            positions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.high)-\($0.value.low)" }
                .joined(separator: ",")
        }
    }
}
