import Spillway
import SpillwayCore

/// What `--to` says, and the body that a server takes for it.
struct SeekTarget: Encodable, Equatable {
    private(set) var to: String?
    private(set) var time: String?
    private(set) var positions: [String: String]?

    /// - Throws: `CommandError` for usage.
    init(_ text: String) throws(CommandError) {
        if text == "earliest" || text == "latest" {
            to = text
        } else if text.contains("=") {
            positions = try Self.positions(text)
        } else if RFC3339.milliseconds(text[...].utf8) != nil {
            time = text
        } else {
            throw CommandError(
                .usage,
                "--to \"\(text)\": must be earliest, latest, an instant such as 2026-01-31T12:00:00Z, or positions such "
                    + "as 0=1-42,3=1-40")
        }
    }

    private static func positions(_ text: String) throws(CommandError) -> [String: String] {
        var positions: [String: String] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", omittingEmptySubsequences: false)
            guard sides.count == 2, let partition = Int(sides[0]), partition >= 0, Position(text: sides[1]) != nil
            else {
                throw CommandError(.usage, "--to \"\(part)\": must be a partition and a position, such as 0=1-42")
            }
            guard positions.updateValue(String(sides[1]), forKey: "\(partition)") == nil else {
                throw CommandError(.usage, "--to: partition \(partition) is there twice")
            }
        }
        return positions
    }
}
