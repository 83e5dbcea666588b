import Reactions
import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct JSONWriterTests {
    @Test func everyTextComesBack() throws {
        var texts = (0..<0x300).compactMap { UnicodeScalar($0).map { "a\($0)b" } }
        texts += ["", "\"\\/\u{8}\u{C}\n\r\t", "😀", "\u{2028}\u{2029}", "e\u{301}", "\u{10FFFF}"]
        for text in texts {
            var json = JSONWriter()
            json.string(text)
            #expect(try JSON(String(decoding: json.bytes, as: UTF8.self)) == .string(text))
        }
    }

    @Test func wholeNumbers() {
        for number in [0, 1, 9, 10, 11, 99, 100, -1, -10, 1_234_567_890, Int64.max, Int64.min] {
            var json = JSONWriter()
            json.integer(number)
            #expect(String(decoding: json.bytes, as: UTF8.self) == "\(number)")
        }
    }
}

@Suite struct EntityTagTests {
    @Test func itIsNamedByItsTextWeakOrStrongInAList() {
        let tag = EntityTag(of: Array("body".utf8))
        #expect(tag.text.utf8.count == 18 && tag.text.hasPrefix("\"") && tag.text.hasSuffix("\""))
        for header in [tag.text, "W/\(tag.text)", "*", "\"x\", \(tag.text)", "\"a\",\tW/\(tag.text) "] {
            #expect(tag.isNamed(by: header), "\(header)")
        }
        for header in ["", "\"\"", String(tag.text.dropLast()), tag.text + "x", "w/\(tag.text)", "\"*\""] {
            #expect(!tag.isNamed(by: header), "\(header)")
        }
    }

    @Test func anyByteChangesIt() {
        let body = Array(#"{"items":{"a":{"likes":1,"dislikes":0,"user_state":"none"}}}"#.utf8)
        let tag = EntityTag(of: body).text
        for index in body.indices {
            var other = body
            other[index] ^= 1
            #expect(EntityTag(of: other).text != tag)
        }
        #expect(EntityTag(of: body + [0]).text != tag)
    }
}

@Suite struct ReactionAnswersTests {
    @Test func aSummaryKeepsTheOrder() {
        let bytes = ReactionAnswers.summary(
            ["b", "a"],
            [
                TargetSummary(counts: Counts(likes: 12, dislikes: 3), state: .dislike),
                TargetSummary(counts: Counts(), state: .none),
            ])
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"items":{"b":{"likes":12,"dislikes":3,"user_state":"dislike"},"#
                + #""a":{"likes":0,"dislikes":0,"user_state":"none"}}}"#)
    }

    @Test func theLargestSummaryFits() throws {
        let ids = (0..<100).map { String(repeating: "x", count: 125) + "\($0 + 100)" }
        let items = ids.indices.map { index in
            TargetSummary(
                counts: Counts(likes: index % 2 == 0 ? .max : .min, dislikes: .min), state: .dislike)
        }
        let json = try JSON(String(decoding: ReactionAnswers.summary(ids, items), as: UTF8.self))
        for (id, item) in zip(ids, items) {
            #expect(json["items"][id]["likes"] == .number(Double(item.counts.likes)))
            #expect(json["items"][id]["user_state"].string == "dislike")
        }
        #expect(ReactionAnswers.summary([], []) == Array(#"{"items":{}}"#.utf8))
    }

    @Test func aUsersNameIsEscaped() throws {
        let page = ReactionPage(
            entries: [ReactionEntry(id: "a\"\\é", targetType: "video", reaction: .like, atMs: 0)], nextCursor: "1-2")
        let json = try JSON(String(decoding: ReactionAnswers.voters(page), as: UTF8.self))
        #expect(json["items"][0]["user_id"].string == "a\"\\é")
        #expect(json["items"][0]["at"].string == "1970-01-01T00:00:00.000Z")
        #expect(json["next_cursor"].string == "1-2")
        let last = try JSON(
            String(decoding: ReactionAnswers.mine(ReactionPage(entries: [], nextCursor: nil)), as: UTF8.self))
        #expect(last["items"] == .array([]) && last["next_cursor"] == .null)
    }
}
