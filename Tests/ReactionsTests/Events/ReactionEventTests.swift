import SpillwayTesting
import Testing

@testable import Reactions

@Suite struct ReactionEventTests {
    @Test func comesBackAsItWasSent() throws {
        let event = ReactionEvent(
            targetID: "video_abc123", targetType: "video", userID: "auth0|5f7 é", reaction: .dislike,
            version: 0xFEDC_BA98_7654_3210, origin: .imported, keepsPrevious: true)
        let decoded = ReactionEventDecoder().decode(event.encoded()[...])
        #expect(decoded == event)
    }

    @Test func largestFieldsFit() {
        let event = ReactionEvent(
            targetID: String(repeating: "t", count: 128), targetType: String(repeating: "y", count: 64),
            userID: String(repeating: "u", count: 255), reaction: .like, version: .max)
        #expect(ReactionEventDecoder().decode(event.encoded()[...]) == event)
    }

    /// Bytes of the wire format, so that a change of it can't go unnoticed.
    @Test func wireFormatIsFixed() {
        let event = ReactionEvent(targetID: "a", targetType: "video", userID: "u", reaction: .like, version: 1)
        #expect(
            event.encoded() == [
                0x0A, 0x18, 0x0A, 1, 0x61, 0x12, 5, 0x76, 0x69, 0x64, 0x65, 0x6F, 0x1A, 1, 0x75, 0x20, 1, 0x29, 1, 0, 0,
                0,
                0, 0, 0, 0,
            ])
    }

    @Test func nonsenseIsNoEvent() {
        var random = SeededRandom(seed: 7)
        let good = ReactionEvent(targetID: "abc", targetType: "video", userID: "u", reaction: .like, version: 9)
            .encoded()
        let decoder = ReactionEventDecoder()
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where !bytes.isEmpty:
                    bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
                case 1 where !bytes.isEmpty: bytes.removeLast()
                default: bytes.append(.random(in: 0...255, using: &random))
                }
            }
            guard let event = decoder.decode(bytes[...]) else { continue }
            #expect((1...128).contains(event.targetID.utf8.count))
            #expect((1...255).contains(event.userID.utf8.count))
        }
        #expect(decoder.decode([]) == nil)
    }
}
