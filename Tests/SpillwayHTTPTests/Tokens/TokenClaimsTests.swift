import FoundationEssentials
import Testing

@testable import SpillwayHTTP

/// What is read without a decoder must be what the decoder reads, and nothing that it refuses.
@Suite struct TokenClaimsTests {
    private func decoded(_ text: [UInt8]) -> TokenClaims? {
        guard JSONMembers.areUnique(in: text, limit: TokenClaims.memberLimit) else { return nil }
        return try? JSONDecoder().decode(TokenClaims.self, from: Data(text))
    }

    private func expectSame(_ text: [UInt8]) -> Bool {
        guard let plain = TokenClaims(plain: text.span) else { return false }
        let shown = String(decoding: text, as: UTF8.self)
        guard let decoded = decoded(text) else {
            Issue.record("taken, though the decoder refuses it: \(shown)")
            return true
        }
        #expect(plain.issuer == decoded.issuer, "\(shown)")
        #expect(plain.subject == decoded.subject, "\(shown)")
        #expect(plain.audiences == decoded.audiences, "\(shown)")
        #expect(plain.scopes == decoded.scopes, "\(shown)")
        #expect(plain.expiresAtMs == decoded.expiresAtMs, "\(shown)")
        #expect(plain.notBeforeMs == decoded.notBeforeMs, "\(shown)")
        #expect(plain.issuedAtMs == decoded.issuedAtMs, "\(shown)")
        return true
    }

    @Test(arguments: [
        #"{"sub":"u1","exp":1900000000}"#,
        #"{"exp":1,"iat":0,"iss":"i","nbf":12,"scope":"a b  c","sub":"u","aud":"x"}"#,
        #"{ "sub" : "u" , "exp" : 253402300799 }"#, #"{"scope":""}"#, " \t\r\n{\"sub\":\"u\",\"exp\":1} \t\r\n",
    ]) func theUsualFormNeedsNoDecoder(text: String) {
        #expect(expectSame(Array(text.utf8)))
    }

    @Test(arguments: [
        "{}", "[]", "", "{", #"{"sub":"u""#, #"{"sub":"u"} x"#, #"{"sub":"u","sub":"v"}"#, #"{"sub":"u","name":"x"}"#,
        #"{"sub":5}"#, #"{"exp":"5"}"#, #"{"exp":1.5}"#, #"{"exp":1e3}"#, #"{"exp":-1}"#, #"{"exp":007}"#,
        #"{"exp":253402300800}"#, #"{"exp":9999999999999999999}"#, #"{"aud":["x"]}"#, #"{"sub":null}"#,
        #"{"sub":"a\u0062"}"#, #"{"sub":"é"}"#, #"{"sub":"u",}"#, #"{"exp":}"#, #"{"exp":5x}"#,
    ]) func everythingElseIsTheDecoders(text: String) {
        #expect(TokenClaims(plain: Array(text.utf8).span) == nil)
    }

    @Test func mutationsNeverSlipThrough() {
        let start = Array(#"{"aud":"x","exp":1900000000,"iat":1800000000,"scope":"admin","sub":"user-1"}"#.utf8)
        let alphabet = Array("{}[]:,\"\\ \n0159.eE-+axsubexp".utf8)
        var state: UInt64 = 88_172_645_463_325_252
        func next(_ below: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(below))
        }
        var taken = 0
        for _ in 0..<20_000 {
            var text = start
            for _ in 0...next(3) {
                let place = next(text.count)
                switch next(3) {
                case 0: text[place] = alphabet[next(alphabet.count)]
                case 1: text.remove(at: place)
                default: text.insert(alphabet[next(alphabet.count)], at: next(text.count + 1))
                }
            }
            if expectSame(text) { taken += 1 }
        }
        #expect(taken > 1_000)
    }
}
