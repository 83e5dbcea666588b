import Testing

@testable import SpillwayHTTP

@Suite struct ByteClassTests {
    @Test func tokensAreTheGrammars() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        for byte in UInt8.min ... .max { #expect(ByteClass.isToken(byte) == tokens.contains(byte)) }
    }

    @Test func eachControlIsFoundAtEachPlace() {
        for byte in UInt8.min ... .max {
            for length in [1, 7, 8, 9, 16, 23] {
                for place in 0..<length {
                    var bytes = [UInt8](repeating: 0x80 | UInt8(truncatingIfNeeded: length), count: length)
                    bytes[place] = byte
                    #expect(ByteClass.areFreeOfControls(bytes.span) == (byte >= 32 && byte != 127))
                }
            }
        }
    }
}
