import SpillwayHTTP
import Testing

@testable import ReactionsHTTP

@Suite struct JSONSyntaxTests {
    @Test(arguments: [
        "{}", "[]", " [ ] ", "null", "true", "false", "0", "-0", "-1.5e+10", "1E5", "\"\"", "\"\\u00e4\\n\\/\"",
        "\"ä😀\"",
        #"{"a":[1,{"b":null},"c"],"":{}}"#, "[[[]],{}]", "\t\r\n1 ", "\"\\ud800\"", "9999999999999999999999999999",
    ])
    func isValid(text: String) { #expect(JSONSyntax.isValid(Array(text.utf8))) }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", #"{"a":1,}"#, "{,}", #"{"a"}"#, #"{"a":}"#, "{1:2}",
        "01",
        "1.", ".5", "+1", "-", "1e", "1e+", "0x1", "NaN", "Infinity", "\"", "\"\t\"", "\"\\q\"", "\"\\u12g4\"", "\"\\",
        "tru", "truex", "nul", "1 2", "[1 2]", "{}{}", "{} x", "// \n1", "/**/1", "'a'", "{a:1}", "\u{FEFF}1", "1\u{0}",
        "\u{A0}1", "1\u{C}",
    ])
    func isNotValid(text: String) { #expect(!JSONSyntax.isValid(Array(text.utf8))) }

    @Test func itIsUTF8() {
        for bad in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xC3]] as [[UInt8]] {
            #expect(!JSONSyntax.isValid([0x22] + bad + [0x22]))
        }
    }

    @Test func itIsOnlySoDeep() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(JSONSyntax.isValid(nested(JSONSyntax.maximumDepth)))
        #expect(!JSONSyntax.isValid(nested(JSONSyntax.maximumDepth + 1)))
    }

    /// What the scanner takes as a vote is JSON.
    @Test func theScannerTakesNothingElse() {
        var bodies = RandomBodies(seed: 17)
        for _ in 0..<4_000 {
            let body = bodies.vote()
            if VoteScanner.vote(in: body) != nil { #expect(JSONSyntax.isValid(body)) }
        }
    }
}
