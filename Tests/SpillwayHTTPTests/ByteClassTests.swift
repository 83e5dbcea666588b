import Testing

@testable import SpillwayHTTP

@Suite struct ByteClassTests {
    @Test func tokensAreTheGrammars() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        for byte in UInt8.min ... .max { #expect(ByteClass.isToken(byte) == tokens.contains(byte)) }
    }

    @Test func eachByteThatATargetMayNotHoldIsFoundAtEachPlace() {
        for byte in UInt8.min ... .max {
            for length in [1, 7, 8, 9, 16, 23] {
                for place in 0..<length {
                    var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                    bytes[place] = byte
                    #expect(ByteClass.areOfTarget(bytes.span) == ByteClass.isTarget(byte))
                }
            }
        }
    }

    @Test func aByteIsFoundWhereItStands() {
        let bytes = Array("a,b,,c".utf8)
        let comma = UInt8(ascii: ",")
        #expect((0...bytes.count).map { bytes.span.place(of: comma, from: $0) } == [1, 1, 3, 3, 4, 6, 6])
        #expect([UInt8]().span.place(of: comma) == 0)
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
