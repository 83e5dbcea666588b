import Testing

@testable import SpillwayHTTP

/// Random bytes made of what requests are made of, cut at random places.
@Suite struct HTTPFuzzTests {
    /// A generator that a printed seed starts again (SplitMix64, Steele et al. 2014).
    struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }

    private static let fragments: [String] = [
        "GET ", "POST ", "HEAD ", "/ ", "/large ", "/%41 ", "HTTP/1.1\r\n", "HTTP/1.0\r\n", "Host: a\r\n",
        "Content-Length: 5\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Expect: 100-continue\r\n",
        "Connection: close\r\n", "Connection: keep-alive\r\n", "X: y\r\n", "\r\n", "\r\n\r\n", "hello", "5\r\n",
        "0\r\n",
        "1;a=b\r\n", "\n", "\r", " ", "\t", ":", "\u{0}", "\u{e9}", "%", "Authorization: Bearer a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    ]

    private static func input(_ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...14, using: &random) {
            bytes += fragments.randomElement(using: &random)!.utf8
        }
        // Now and then a byte is changed, lost or doubled.
        for _ in 0..<Int.random(in: 0...2, using: &random) where Int.random(in: 0..<3, using: &random) == 0 {
            let place = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1 where bytes.count > 1: bytes.remove(at: place)
            default: bytes.insert(bytes[place], at: place)
            }
        }
        return bytes
    }

    @Test func whereBytesAreCutDoesNotMatter() {
        let seed = UInt64.random(in: 0...(.max))
        var random = SeededGenerator(state: seed)
        var requests = 0
        var refusals = 0
        for round in 0..<4000 {
            let bytes = Self.input(&random)
            let whole = HTTPConnectionReplay(bytes) { _ in bytes.count }
            var cuts = random
            let pieces = HTTPConnectionReplay(bytes) { _ in Int.random(in: 1...9, using: &cuts) }
            let single = HTTPConnectionReplay(bytes) { _ in 1 }
            #expect(
                whole == pieces && whole == single,
                "seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self).debugDescription)")
            requests += whole.requests.count
            refusals += whole.refusal == nil ? 0 : 1
        }
        // The generator reaches both sides.
        #expect(requests > 200)
        #expect(refusals > 200)
    }

    @Test func ownFramingAgreesWithRandomChunks() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var body: [UInt8] = []
            var wire = Array("POST /large HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
            for _ in 0..<Int.random(in: 0...6, using: &random) {
                let chunk = (0..<Int.random(in: 1...600, using: &random)).map { _ in UInt8.random(in: 0...255) }
                body += chunk
                wire +=
                    Array(String(chunk.count, radix: 16, uppercase: Bool.random()).utf8) + [13, 10] + chunk + [13, 10]
            }
            wire += Array("0\r\n\r\n".utf8)
            let run = HTTPConnectionReplay(wire + wire) { _ in Int.random(in: 1...200, using: &random) }
            #expect(run.requests.map(\.body) == [body, body])
        }
    }
}
