/// Reads the form that nearly every client sends, byte by byte: flat objects with plain ASCII strings and each field
/// once. Whatever is not of that form, right or wrong, is `nil` and left to the JSON decoder, so this never decides
/// that a request is bad and never accepts what the decoder would refuse.
struct VoteScanner {
    private var index: Int
    private let end: Int

    private init(count: Int) {
        index = 0
        end = count
    }

    /// One vote, alone in the body.
    static func vote(in body: [UInt8]) -> VoteFields? {
        var scanner = VoteScanner(count: body.count)
        let bytes = body.span
        guard let fields = scanner.object(bytes), scanner.isAtEnd(bytes) else { return nil }
        return fields
    }

    /// `{"votes":[…]}`.
    static func batch(in body: [UInt8]) -> [VoteFields]? {
        var scanner = VoteScanner(count: body.count)
        let bytes = body.span
        guard scanner.take(UInt8(ascii: "{"), bytes), let name = scanner.string(bytes), equal(bytes, name, "votes"),
            scanner.take(UInt8(ascii: ":"), bytes), scanner.take(UInt8(ascii: "["), bytes)
        else { return nil }
        var votes: [VoteFields] = []
        repeat {
            guard let fields = scanner.object(bytes) else { return nil }
            votes.append(fields)
        } while scanner.take(UInt8(ascii: ","), bytes)
        guard scanner.take(UInt8(ascii: "]"), bytes), scanner.take(UInt8(ascii: "}"), bytes), scanner.isAtEnd(bytes)
        else { return nil }
        return votes
    }

    private mutating func object(_ bytes: Span<UInt8>) -> VoteFields? {
        guard take(UInt8(ascii: "{"), bytes) else { return nil }
        var target: Range<Int>?
        var type: Range<Int>?
        var action: Range<Int>?
        repeat {
            guard let name = string(bytes), take(UInt8(ascii: ":"), bytes), let value = string(bytes) else {
                return nil
            }
            if target == nil, Self.equal(bytes, name, "target_id") {
                target = value
            } else if type == nil, Self.equal(bytes, name, "target_type") {
                type = value
            } else if action == nil, Self.equal(bytes, name, "action") {
                action = value
            } else {
                return nil
            }
        } while take(UInt8(ascii: ","), bytes)
        guard take(UInt8(ascii: "}"), bytes), let target, let type, let action else { return nil }
        return VoteFields(
            targetID: Self.text(bytes, target), targetType: Self.text(bytes, type),
            action: Self.text(bytes, action))
    }

    /// The inside of a string without escapes and of visible ASCII only.
    private mutating func string(_ bytes: Span<UInt8>) -> Range<Int>? {
        guard take(UInt8(ascii: "\""), bytes) else { return nil }
        let start = index
        while index < end {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return start..<(index - 1)
            }
            if byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\\") { return nil }
            index += 1
        }
        return nil
    }

    /// Skips white space, then takes the byte if it is the one asked for.
    private mutating func take(_ wanted: UInt8, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        guard index < end, bytes[index] == wanted else { return false }
        index += 1
        return true
    }

    private mutating func isAtEnd(_ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        return index == end
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < end {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private static func equal(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != word.utf8Start[offset] { return false }
        return true
    }

    private static func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
        bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
