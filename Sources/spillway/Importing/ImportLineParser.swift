import FoundationEssentials
import Reactions
import SpillwayCore
import SpillwayHTTP

/// Why a line of an import was refused.
struct ImportLineError: Error, Equatable {
    /// What is wrong and what is allowed.
    let reason: String

    init(_ reason: String) { self.reason = reason }
}

/// Reads a line of an import: a JSON object with user_id, target_id, target_type, reaction and at.
struct ImportLineParser {
    private struct Fields: Decodable {
        var user_id: String
        var target_id: String
        var target_type: String
        var reaction: String
        var at: String
    }

    private let targetTypes: Set<String>
    private let nowMs: Int64
    private let decoder = JSONDecoder()

    /// - Parameters:
    ///   - targetTypes: the configured types.
    ///   - nowMs: the present, in milliseconds since 1970 UTC.
    init(targetTypes: [String], nowMs: Int64) {
        self.targetTypes = Set(targetTypes)
        self.nowMs = nowMs
    }

    /// Reads one line.
    func parse(_ line: ArraySlice<UInt8>) throws(ImportLineError) -> ImportedReaction {
        guard let plain = PlainObject(line) else { return try check(try decode(line)) }
        return try check(
            Fields(
                user_id: try plain.value(of: "user_id"), target_id: try plain.value(of: "target_id"),
                target_type: try plain.value(of: "target_type"), reaction: try plain.value(of: "reaction"),
                at: try plain.value(of: "at")))
    }

    private func decode(_ line: ArraySlice<UInt8>) throws(ImportLineError) -> Fields {
        // The decoder takes more than JSON.
        guard JSONSyntax.isValid(Array(line)) else { throw ImportLineError("not a JSON object") }
        do {
            return try decoder.decode(Fields.self, from: Data(line))
        } catch DecodingError.keyNotFound(let key, _) {
            throw ImportLineError("\(key.stringValue) is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw ImportLineError("\(context.codingPath.last?.stringValue ?? "the line") is not of the expected type")
        } catch {
            throw ImportLineError("not a JSON object")
        }
    }

    private func check(_ fields: Fields) throws(ImportLineError) -> ImportedReaction {
        let user = fields.user_id.utf8
        // U+0000 to U+001F, U+007F and U+0080 to U+009F are control characters.
        guard (1...255).contains(user.count),
            fields.user_id.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { throw ImportLineError("user_id must be 1 to 255 bytes without control characters") }
        guard (1...128).contains(fields.target_id.utf8.count), fields.target_id.utf8.allSatisfy(Self.isTargetByte)
        else {
            throw ImportLineError("target_id must be 1 to 128 characters of A-Z a-z 0-9 _ - . : ~")
        }
        guard targetTypes.contains(fields.target_type) else {
            throw ImportLineError("target_type must be one of \(targetTypes.sorted().joined(separator: ", "))")
        }
        guard let reaction = Reaction(name: fields.reaction) else {
            throw ImportLineError("reaction must be like, dislike or none")
        }
        guard let atMs = RFC3339.milliseconds(fields.at[...].utf8) else {
            throw ImportLineError("at must be an instant of RFC 3339, from 1970 on, such as 2026-11-21T13:51:00Z")
        }
        guard VersionClock.accepts(atMs: atMs, nowMs: nowMs) else { throw ImportLineError("at is in the future") }
        return ImportedReaction(
            userID: fields.user_id, targetID: fields.target_id, targetType: fields.target_type, reaction: reaction,
            atMs: atMs)
    }

    private static func isTargetByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, 0x5F, 0x2D, 0x2E, 0x3A, 0x7E: true
        default: false
        }
    }
}
