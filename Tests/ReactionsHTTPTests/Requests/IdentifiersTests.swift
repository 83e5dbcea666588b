import Testing

@testable import ReactionsHTTP

@Suite struct IdentifiersTests {
    @Test func aTargetIs1To128OfItsCharacters() {
        for scalar in UInt8.min...UInt8.max {
            let isAllowed =
                scalar < 128
                && ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:~".utf8.contains(scalar))
            #expect(Identifiers.isTargetByte(scalar) == isAllowed)
            if scalar < 128 {
                #expect(Identifiers.isTarget("x" + String(UnicodeScalar(scalar))) == isAllowed)
            }
        }
        #expect(!Identifiers.isTarget(""))
        #expect(Identifiers.isTarget(String(repeating: "a", count: 128)))
        #expect(!Identifiers.isTarget(String(repeating: "a", count: 129)))
        #expect(!Identifiers.isTarget("é"))
    }

    @Test func aUserHasNoControlCharacters() {
        for value in (0...0xFFF) as ClosedRange<UInt32> {
            guard let scalar = UnicodeScalar(value) else { continue }
            let isControl = scalar.properties.generalCategory == .control
            #expect(Identifiers.isUser("a\(scalar)b") == !isControl, "U+\(String(value, radix: 16))")
        }
        #expect(!Identifiers.isUser(""))
        #expect(Identifiers.isUser(String(repeating: "é", count: 127) + "a"))
        #expect(!Identifiers.isUser(String(repeating: "é", count: 128)))
    }

    @Test func anIdempotencyKeyIs1To128VisibleCharacters() {
        #expect(Identifiers.isIdempotencyKey("!~\"{}"))
        for bad in ["", " ", "a b", "a\t", "é", "\u{7F}", String(repeating: "k", count: 129)] {
            #expect(!Identifiers.isIdempotencyKey(bad))
        }
        #expect(Identifiers.isIdempotencyKey(String(repeating: "k", count: 128)))
    }
}
