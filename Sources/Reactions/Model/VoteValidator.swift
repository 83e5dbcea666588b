/// The limits of what comes in with a vote, for every way in: HTTP, import, library.
public struct VoteValidator: Sendable {
    private let types: Set<String>

    /// Knows the configured target types.
    public init(targetTypes: [String]) { types = Set(targetTypes) }

    /// Checks a vote.
    ///
    /// - Parameter prefix: what precedes the field's name in messages, such as `votes[3].`.
    /// - Throws: `ReactionsError` with ``ReactionsError/Code/invalidField``.
    public func check(_ vote: Vote, prefix: String = "") throws(ReactionsError) {
        try Self.checkTarget(vote.targetID, field: prefix + "target_id")
        guard types.contains(vote.targetType) else {
            throw ReactionsError(
                .invalidField, "\(prefix)target_type must be one of \(types.sorted().joined(separator: ", "))",
                field: prefix + "target_type")
        }
    }

    /// Checks a target's id: 1 to 128 characters of `A-Z a-z 0-9 _ - . : ~`.
    public static func checkTarget(_ id: String, field: String) throws(ReactionsError) {
        let utf8 = id.utf8
        guard (1...128).contains(utf8.count), utf8.allSatisfy(isTargetByte) else {
            throw ReactionsError(
                .invalidField, "\(field) must be 1 to 128 characters of A-Z a-z 0-9 _ - . : ~", field: field)
        }
    }

    /// Checks a user's id: 1 to 255 bytes of UTF-8 without control characters.
    public static func checkUser(_ id: String, field: String) throws(ReactionsError) {
        guard (1...255).contains(id.utf8.count),
            id.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw ReactionsError(
                .invalidField, "\(field) must be 1 to 255 bytes of UTF-8 without control characters", field: field)
        }
    }

    /// Whether a byte may stand in a target's id.
    @inlinable
    public static func isTargetByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
