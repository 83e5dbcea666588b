import Reactions
import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct VoteDecoderTests {
    private let decoder = VoteDecoder(targetTypes: ["video", "comment"])

    private func refusal(_ body: [UInt8]) -> RequestError? {
        do {
            _ = try decoder.vote(body)
            return nil
        } catch {
            return error as? RequestError
        }
    }

    private func refusal(_ body: String) -> RequestError? { refusal(Array(body.utf8)) }

    private func batchRefusal(_ body: String) -> RequestError? {
        do {
            _ = try decoder.batch(Array(body.utf8))
            return nil
        } catch {
            return error as? RequestError
        }
    }

    @Test func aVoteIsRead() throws {
        let wanted = Vote(targetID: "a", targetType: "comment", reaction: .dislike)
        for body in [
            #"{"target_id":"a","target_type":"comment","action":"dislike"}"#,
            #"{"target_id":"\u0061","target_type":"comment","action":"dislike","more":[1,{"x":null}]}"#,
        ] {
            #expect(try decoder.vote(Array(body.utf8)) == wanted)
        }
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "nul", #"{"target_id":"a""#, #"{"target_id":"a",}"#, "\u{FEFF}", "'a'",
        #"{"target_id":"a","target_type":"video","action":"like"}}"#,
        #"{"target_id":"a"  "target_type":"video","action":"like"}"#,
        String(repeating: "[", count: 20_000),
    ])
    func whatIsNoJSONIs400(body: String) {
        #expect(refusal(body)?.status == 400)
    }

    @Test func bytesThatAreNoUTF8Are400() {
        let good = Array(#"{"target_id":"a","target_type":"video","action":"like"}"#.utf8)
        for bad in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0x00]] as [[UInt8]] {
            #expect(refusal(Array(good[..<14]) + bad + good[14...])?.status == 400)
        }
        // The same in UTF-16 is no UTF-8.
        #expect(refusal(good.flatMap { [$0, 0] })?.status == 400)
        #expect(refusal([0xFE, 0xFF] + good.flatMap { [0, $0] })?.status == 400)
    }

    @Test(arguments: [
        (#"{"target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":null,"target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":7,"target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":"","target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":"a/b","target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":"\u0000","target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":"ä","target_type":"video","action":"like"}"#, "target_id"),
        (#"{"target_id":"a","target_type":"song","action":"like"}"#, "target_type"),
        (#"{"target_id":"a","target_type":"video","action":"Like"}"#, "action"),
        (#"{"target_id":"a","target_type":"video","action":["like"]}"#, "action"),
        (#"{"target_id":"a","target_type":"video"}"#, "action"),
    ])
    func aFieldThatIsNotAllowedIsNamed(body: String, field: String) {
        let refusal = refusal(body)
        #expect(refusal?.status == 422)
        #expect(refusal?.field == field)
        #expect(refusal?.detail.hasPrefix(field) == true)
    }

    @Test(arguments: ["[]", "17", "\"like\"", "null", "true"]) func aBodyThatIsNoObjectIs422(body: String) {
        #expect(refusal(body)?.status == 422)
    }

    @Test func aBatchNamesTheIndex() throws {
        let good = #"{"target_id":"a","target_type":"video","action":"like"}"#
        let bad = #"{"target_id":"a b","target_type":"video","action":"like"}"#
        #expect(try decoder.batch(Array("{\"votes\":[\(good),\(good)]}".utf8)).count == 2)
        #expect(batchRefusal("{\"votes\":[\(good),\(bad)]}")?.field == "votes[1].target_id")
        #expect(batchRefusal("{\"votes\":[\(good),{\"target_id\":1}]}")?.field == "votes[1].target_id")
        #expect(batchRefusal("{\"votes\":[\(good),null]}")?.field?.hasPrefix("votes[1]") == true)
        #expect(batchRefusal("{\"votes\":{}}")?.field == "votes")
        #expect(batchRefusal("{}")?.field == "votes")
        #expect(batchRefusal("{\"votes\":[]}")?.field == "votes")
    }

    @Test func aBatchHasAThousandVotesAtMost() throws {
        let good = #"{"target_id":"a","target_type":"video","action":"like"}"#
        func body(_ count: Int) -> String {
            "{\"votes\":[\(Array(repeating: good, count: count).joined(separator: ","))]}"
        }
        #expect(try decoder.batch(Array(body(1_000).utf8)).count == 1_000)
        let refusal = batchRefusal(body(1_001))
        #expect(refusal?.status == 422)
        #expect(refusal?.detail.contains("1001") == true)
    }
}
