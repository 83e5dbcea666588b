import FoundationEssentials
import SpillwayTesting
import Testing

@testable import ReactionsHTTP

/// The scanner is a shortcut: wherever it answers, the JSON decoder answers the same.
@Suite struct VoteScannerTests {
    @Test(arguments: 1...8) func itNeverDisagreesWithTheDecoder(seed: UInt64) throws {
        var bodies = RandomBodies(seed: seed)
        let decoder = JSONDecoder()
        var taken = 0
        for _ in 0..<4_000 {
            let body = bodies.vote()
            if let fields = VoteScanner.vote(in: body) {
                taken += 1
                let decoded = try? decoder.decode(VoteFields.self, from: Data(body))
                #expect(decoded == fields, "seed \(seed): \(String(decoding: body, as: UTF8.self))")
            }
        }
        #expect(taken > 400, "the generator makes too little that the scanner takes")
    }

    @Test(arguments: 1...4) func batchesNeverDisagreeEither(seed: UInt64) throws {
        var bodies = RandomBodies(seed: seed)
        let decoder = JSONDecoder()
        var taken = 0
        for _ in 0..<2_000 {
            let body = bodies.batch()
            if let votes = VoteScanner.batch(in: body) {
                taken += 1
                let decoded = try? decoder.decode(VoteBatchFields.self, from: Data(body))
                #expect(decoded?.votes == votes, "seed \(seed): \(String(decoding: body, as: UTF8.self))")
            }
        }
        #expect(taken > 100)
    }

    @Test func whatClientsSendIsTaken() {
        let plain = #"{"target_id":"video_1","target_type":"video","action":"like"}"#
        let wanted = VoteFields(targetID: "video_1", targetType: "video", action: "like")
        #expect(VoteScanner.vote(in: Array(plain.utf8)) == wanted)
        let spaced = " {\n\t\"action\" : \"like\" ,\r\n \"target_type\":\"video\", \"target_id\":\"video_1\" } \n"
        #expect(VoteScanner.vote(in: Array(spaced.utf8)) == wanted)
        #expect(VoteScanner.batch(in: Array("{\"votes\":[\(plain),\(plain)]}".utf8)) == [wanted, wanted])
    }

    @Test(arguments: [
        "", "{", "{}", "[]", "null", #"{"target_id":"a"}"#,
        #"{"target_id":"a","target_type":"video","action":"like","target_id":"b"}"#,
        #"{"target_id":"a","target_type":"video","action":"like","more":"x"}"#,
        #"{"target_id":"\u0061","target_type":"video","action":"like"}"#,
        #"{"target_id":"ä","target_type":"video","action":"like"}"#,
        #"{"target_id":"a","target_type":"video","action":"like",}"#,
        #"{"target_id":"a","target_type":"video","action":"like"} x"#,
        #"{"target_id":"a","target_type":"video","action":null}"#,
    ])
    func theRestIsLeftToTheDecoder(body: String) {
        #expect(VoteScanner.vote(in: Array(body.utf8)) == nil)
    }

    @Test func anEmptyBatchIsLeftToTheDecoder() {
        #expect(VoteScanner.batch(in: Array(#"{"votes":[]}"#.utf8)) == nil)
    }
}

/// Bodies that are nearly votes: grammar first, then a few bytes changed.
struct RandomBodies {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func vote() -> [UInt8] { damaged(Array(object().utf8)) }

    mutating func batch() -> [UInt8] {
        let votes = (0..<Int.random(in: 0...3, using: &random)).map { _ in object() }
        let text = "{\(space())\"votes\"\(space()):\(space())[\(votes.joined(separator: ","))]\(space())}"
        return damaged(Array(text.utf8))
    }

    private mutating func object() -> String {
        var members = [
            "\(name("target_id")):\(space())\(value(["a", "video_1", "A-z.0:~", "x y", ""]))",
            "\(name("target_type"))\(space()):\(value(["video", "comment", "song"]))",
            "\(name("action")):\(value(["like", "dislike", "none", "LIKE"]))",
        ]
        if chance(8) { members.append("\(name("more")):\(value(["x"]))") }
        if chance(8) { members.append(members[Int.random(in: 0..<3, using: &random)]) }
        if chance(12) { members.remove(at: Int.random(in: 0..<members.count, using: &random)) }
        members.shuffle(using: &random)
        return "\(space()){\(members.joined(separator: "\(space()),\(space())"))}\(space())"
    }

    private mutating func name(_ name: String) -> String { chance(30) ? "\"\\u0061\"" : "\"\(name)\"" }

    private mutating func value(_ words: [String]) -> String {
        switch Int.random(in: 0..<24, using: &random) {
        case 0: return ["null", "17", "true", "1e400", "[]", "{}", "-0"].randomElement(using: &random) ?? ""
        case 1:
            return [#""\u0061""#, #""\n""#, #""\ud800""#, #""é""#, #""\\""#, "\"\u{7F}\""].randomElement(using: &random)
                ?? ""
        default: return "\"\(words.randomElement(using: &random) ?? "")\""
        }
    }

    private mutating func space() -> String {
        chance(6) ? [" ", "\t", "\n", "\r\n", "  "].randomElement(using: &random) ?? "" : ""
    }

    private mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        guard chance(3) else { return bytes }
        for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: index)
            case 2: bytes.insert(Array("{}[]\",:\\ \0".utf8).randomElement(using: &random) ?? 0, at: index)
            default: bytes.removeLast(bytes.count - index)
            }
        }
        return bytes
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }
}
