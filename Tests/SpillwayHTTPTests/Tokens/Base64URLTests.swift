import Testing

@testable import SpillwayHTTP

@Suite struct Base64URLTests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func vectorsOfRFC4648WithoutPadding(text: String, encoded: String) {
        #expect(Base64URL.encode(text.utf8) == bytes(encoded))
        #expect(Base64URL.decode(bytes(encoded)) == bytes(text))
    }

    @Test func vectorOfRFC7515AppendixC() {
        #expect(Base64URL.encode([3, 236, 255, 224, 193]) == bytes("A-z_4ME"))
    }

    @Test(arguments: ["Z", "Zg==", "Zm8=", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zh", "Zm9", "Zm9vY", "Zm9vYh", "Zé"])
    func whatIsNotCanonicalIsRefused(text: String) {
        #expect(Base64URL.decode(bytes(text)) == nil)
    }

    @Test func everyTextIsEitherRefusedOrTheEncodingOfWhatItGives() {
        var random = SeededGenerator(seed: 7)
        let alphabet = bytes("ABab01-_=+/. ")
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            if let decoded = Base64URL.decode(text.span) {
                #expect(Base64URL.encode(decoded) == text)
            }
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014), so that a failure can be repeated from its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
