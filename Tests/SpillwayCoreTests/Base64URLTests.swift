import SpillwayCore
import Testing

@Suite struct Base64URLTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func vectorsOfRFC4648WithoutPadding(text: String, encoded: String) {
        #expect(Base64URL.encode(text.utf8) == bytes(encoded))
        let decoded = Base64URL.decode(bytes(encoded).span)
        #expect(decoded == bytes(text))
    }

    @Test func vectorOfRFC7515AppendixC() {
        #expect(Base64URL.encode([3, 236, 255, 224, 193]) == bytes("A-z_4ME"))
    }

    @Test(arguments: ["Z", "Zg==", "Zm8=", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zh", "Zm9", "Zm9vY", "Zm9vYh", "Zé"])
    func whatIsNotCanonicalIsRefused(text: String) {
        let decoded = Base64URL.decode(bytes(text).span)
        #expect(decoded == nil)
    }

    @Test func everyTextIsEitherRefusedOrTheEncodingOfWhatItGives() {
        var random = SplitMix64(seed: 7)
        let alphabet = bytes("ABab01-_=+/. ")
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...9, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            if let decoded = Base64URL.decode(text.span) {
                #expect(Base64URL.encode(decoded) == text)
            }
        }
    }
}
