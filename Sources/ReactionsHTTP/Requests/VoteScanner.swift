internal import SpillwayHTTP

/// Reads votes in the form that nearly every client sends (``PlainJSON``), each field once. Whatever is not of that form
/// is `nil` and left to the JSON decoder.
struct VoteScanner {
    private var json = PlainJSON()

    /// One vote, alone in the body.
    static func vote(in body: [UInt8]) -> VoteFields? {
        var scanner = VoteScanner()
        let bytes = body.span
        guard let fields = scanner.object(bytes), scanner.json.isAtEnd(bytes) else { return nil }
        return fields
    }

    /// `{"votes":[…]}`.
    static func batch(in body: [UInt8]) -> [VoteFields]? {
        var scanner = VoteScanner()
        let bytes = body.span
        guard scanner.json.take(UInt8(ascii: "{"), bytes), let name = scanner.json.name(bytes),
            bytes.isWord("votes", at: name), scanner.json.take(UInt8(ascii: "["), bytes)
        else { return nil }
        var votes: [VoteFields] = []
        repeat {
            guard let fields = scanner.object(bytes) else { return nil }
            votes.append(fields)
        } while scanner.json.take(UInt8(ascii: ","), bytes)
        guard scanner.json.take(UInt8(ascii: "]"), bytes), scanner.json.take(UInt8(ascii: "}"), bytes),
            scanner.json.isAtEnd(bytes)
        else { return nil }
        return votes
    }

    private mutating func object(_ bytes: Span<UInt8>) -> VoteFields? {
        guard json.take(UInt8(ascii: "{"), bytes) else { return nil }
        var target: Range<Int>?
        var type: Range<Int>?
        var action: Range<Int>?
        repeat {
            guard let name = json.name(bytes), let value = json.text(bytes) else { return nil }
            if target == nil, bytes.isWord("target_id", at: name) {
                target = value
            } else if type == nil, bytes.isWord("target_type", at: name) {
                type = value
            } else if action == nil, bytes.isWord("action", at: name) {
                action = value
            } else {
                return nil
            }
        } while json.take(UInt8(ascii: ","), bytes)
        guard json.take(UInt8(ascii: "}"), bytes), let target, let type, let action else { return nil }
        return VoteFields(
            targetID: bytes.string(at: target), targetType: bytes.string(at: type), action: bytes.string(at: action))
    }
}
