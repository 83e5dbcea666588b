internal import Spillway
internal import SpillwayCore
internal import SpillwayHTTP

/// Where a group is to begin, as a request says it.
enum OffsetChoice: Equatable {
    /// At the oldest record that is kept.
    case earliest
    /// Behind the newest record.
    case latest
    /// At the first record of this time or later, in milliseconds since 1970 UTC.
    case time(Int64)
    /// At these positions, by the partitions' numbers; others stay.
    case positions([Int: Position])

    /// The body as it came.
    struct Fields: Decodable {
        var to: String?
        var time: String?
        var positions: [String: String]?
    }

    /// - Throws: `RequestError` of 422, unless it is exactly one of the three and good.
    init(_ fields: Fields) throws(RequestError) {
        switch (fields.to, fields.time, fields.positions) {
        case ("earliest", nil, nil): self = .earliest
        case ("latest", nil, nil): self = .latest
        case (_?, nil, nil): throw .field("to", "must be earliest or latest")
        case (nil, let time?, nil):
            guard let milliseconds = RFC3339.milliseconds(time[...].utf8) else {
                throw .field("time", "must be an instant as RFC 3339 writes it, such as 2026-01-31T12:00:00Z")
            }
            self = .time(milliseconds)
        case (nil, nil, let positions?): self = .positions(try Self.read(positions))
        default: throw .field("to", "or time or positions must be there, and one of them only")
        }
    }

    private static func read(_ fields: [String: String]) throws(RequestError) -> [Int: Position] {
        guard !fields.isEmpty else { throw .field("positions", "must not be empty") }
        var positions: [Int: Position] = [:]
        for (name, text) in fields {
            // "1" and "01" would be one partition.
            guard let partition = Int(name), partition >= 0, String(partition) == name else {
                throw .field("positions", "must be named by the partitions' numbers")
            }
            guard let position = Position(text: text) else {
                throw .field("positions[\(partition)]", "must be a position such as 1-42")
            }
            positions[partition] = position
        }
        return positions
    }
}
