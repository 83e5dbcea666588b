import SpillwayCore
import Testing

@testable import SpillwayHTTP

@Suite struct TokenVerifierTests {
    let key: SigningKey
    let verifier: TokenVerifier

    init() throws {
        key = try testKey()
        verifier = TokenVerifier(keys: .secret(key))
    }

    @Test func vectorOfRFC7515AppendixA1() throws {
        let secret = try SigningKey(bytes: #require(Base64URL.decode(bytes(rfcSecret))))
        let verifier = TokenVerifier(keys: .secret(secret))
        // The example has no subject and ends its life at 1300819380; both are only looked at behind the signature.
        #expect(verifier.refusal(of: rfcHS256, nowMs: 1_300_819_379_999) == .invalidSubject)
        #expect(verifier.refusal(of: rfcHS256, nowMs: 1_300_819_380_000) == .expired)
        #expect(verifier.refusal(of: rfcHS256.replacingLast(with: "l"), nowMs: 0) == .malformed)
        #expect(verifier.refusal(of: rfcHS256.replacingLast(with: "g"), nowMs: 0) == .badSignature)
        #expect(self.verifier.refusal(of: rfcHS256, nowMs: 0) == .badSignature)
    }

    @Test func whatTheIssuerSignsIsAccepted() throws {
        let issuer = TokenIssuer(key: key)
        for subject in ["u", "auth0|5f7", "a@example.org", "Ünïcødé 🦊", "\"\\/", String(repeating: "x", count: 255)] {
            let token = try issuer.token(
                subject: subject, scopes: ["admin", "x:y"], issuedAtMs: nowMs, lifetime: .seconds(3600))
            let principal = try verifier.verify(bytes(token), nowMs: nowMs)
            #expect(principal.subject == subject)
            #expect(principal.hasScope("admin") && principal.hasScope("x:y") && !principal.hasScope("adm"))
            #expect(principal.expiresAtMs == nowMs + 3_600_000)
        }
    }

    @Test func issuerRefusesWhatTheVerifierWould() throws {
        let issuer = TokenIssuer(key: key)
        for subject in ["", "a\nb", "\u{7F}", "\u{85}", String(repeating: "x", count: 256)] {
            #expect(throws: TokenError.self) {
                try issuer.token(subject: subject, issuedAtMs: nowMs, lifetime: .seconds(60))
            }
        }
        for scopes in [["a b"], [""], ["a\n"]] {
            #expect(throws: TokenError.self) {
                try issuer.token(subject: "u", scopes: scopes, issuedAtMs: nowMs, lifetime: .seconds(60))
            }
        }
        #expect(throws: TokenError.self) {
            try issuer.token(subject: "u", issuedAtMs: nowMs, lifetime: .milliseconds(999))
        }
    }

    @Test func lifetimeHasNoLeeway() {
        let token = signed(claims: #"{"sub":"u","exp":1790000000,"nbf":1789999000}"#, key: key)
        #expect(verifier.refusal(of: token, nowMs: 1_790_000_000_000 - 1) == nil)
        #expect(verifier.refusal(of: token, nowMs: 1_790_000_000_000) == .expired)
        #expect(verifier.refusal(of: token, nowMs: 1_789_999_000_000) == nil)
        #expect(verifier.refusal(of: token, nowMs: 1_789_999_000_000 - 1) == .notYetValid)
        let fraction = signed(claims: #"{"sub":"u","exp":1790000000.5}"#, key: key)
        #expect(verifier.refusal(of: fraction, nowMs: 1_790_000_000_499) == nil)
        #expect(verifier.refusal(of: fraction, nowMs: 1_790_000_000_500) == .expired)
        let future = signed(claims: #"{"sub":"u","exp":1790009000,"iat":1790000000}"#, key: key)
        #expect(verifier.refusal(of: future, nowMs: 1_790_000_000_000 - 300_000) == nil)
        #expect(verifier.refusal(of: future, nowMs: 1_790_000_000_000 - 300_001) == .notYetValid)
    }

    @Test(arguments: [
        (#"{"sub":"u"}"#, TokenError.Code.expired),
        (#"{"sub":"u","exp":null}"#, .malformed),
        (#"{"sub":"u","exp":"4102444800"}"#, .malformed),
        (#"{"sub":"u","exp":-1}"#, .malformed),
        (#"{"sub":"u","exp":1e300}"#, .malformed),
        (#"{"sub":"u","exp":1e999}"#, .malformed),
        (#"{"sub":"u","exp":true}"#, .malformed),
        (#"{"sub":"u","exp":4102444800,"nbf":"now"}"#, .malformed),
        (#"{"sub":"u","exp":4102444800,"iat":-5}"#, .malformed),
        (#"{"sub":7,"exp":4102444800}"#, .malformed),
        (#"{"sub":null,"exp":4102444800}"#, .malformed),
        (#"{"exp":4102444800}"#, .invalidSubject),
        (#"{"sub":"","exp":4102444800}"#, .invalidSubject),
        (#"{"sub":"a\u0000b","exp":4102444800}"#, .invalidSubject),
        (#"{"sub":"a\nb","exp":4102444800}"#, .invalidSubject),
        (#"{"sub":"a\u007f","exp":4102444800}"#, .invalidSubject),
        (#"{"sub":"a\u0085","exp":4102444800}"#, .invalidSubject),
        (#"{"sub":"\ud800","exp":4102444800}"#, .malformed),
        ("{\"sub\":\"\(String(repeating: "é", count: 128))\",\"exp\":4102444800}", .invalidSubject),
        (#"{"sub":"u","exp":4102444800,"scope":7}"#, .malformed),
        (#"{"sub":"u","exp":4102444800,"aud":"x"}"#, .wrongAudience),
        (#"{"sub":"u","exp":4102444800,"aud":[]}"#, .wrongAudience),
        (#"{"sub":"u","exp":4102444800,"sub":"v"}"#, .malformed),
        (#"{"sub":"u","exp":4102444800,"s\u0075b":"v"}"#, .malformed),
        (#"{"sub":"u","exp":1,"x":{"exp":1},"exp":4102444800}"#, .malformed),
        (#"{"sub":"u","exp":4102444800"#, .malformed),
        (#"{"sub":"u","exp":4102444800} {}"#, .malformed),
        (#"["sub","u"]"#, .malformed),
        ("\u{FEFF}{\"sub\":\"u\",\"exp\":4102444800}", .malformed),
        ("\u{A0}{\"sub\":\"u\",\"exp\":4102444800}", .malformed),
        ("\u{B}{\"sub\":\"u\",\"exp\":4102444800}", .malformed),
        ("7", .malformed),
    ])
    func badClaimsAreRefused(claims: String, code: TokenError.Code) {
        #expect(verifier.refusal(of: signed(claims: claims, key: key)) == code)
    }

    @Test(arguments: [
        #"{"sub":"u","exp":4102444800,"x":{"sub":"v","sub":"w"},"y":["exp","exp",{"exp":1}],"z":"\",\"sub\":"}"#,
        " \t\r\n{\"sub\":\"u\",\"exp\":4102444800}\n", " \t\r\n{\"sub\":\"u\",\"exp\":4102444800,\"x\":1}\n",
        #"{"sub":"u","exp":4.1024448e9,"https:\/\/x":1}"#,
        #"{"sub":"u","exp":4102444800,"scope":"  a  b "}"#, #"{"sub":"u","exp":4102444800,"scope":["a","b"]}"#,
    ])
    func unusualClaimsAreAccepted(claims: String) throws {
        let token = signed(claims: claims, key: key)
        #expect(try verifier.verify(bytes(token), nowMs: nowMs).subject == "u")
    }

    @Test(arguments: [
        (#"{"alg":"none"}"#, TokenError.Code.unsupported), (#"{"alg":"None"}"#, .unsupported),
        (#"{"alg":"hs256"}"#, .unsupported), (#"{"alg":"HS384"}"#, .unsupported), (#"{"alg":"RS256"}"#, .unsupported),
        (#"{"alg":"HS256","crit":["exp"]}"#, .unsupported), (#"{"alg":"HS256","crit":[]}"#, .unsupported),
        (#"{"alg":"HS256","crit":null}"#, .unsupported), (#"{"alg":"HS256","b64":false}"#, .unsupported),
        (#"{"alg":"HS256","zip":"DEF"}"#, .unsupported), (#"{"alg":"HS256","typ":"logout+jwt"}"#, .unsupported),
        (#"{"alg":"HS256","alg":"none"}"#, .malformed), (#"{"alg":"none","alg":"HS256"}"#, .malformed),
        (#"{"alg":"HS256","\u0061lg":"HS256"}"#, .malformed), (#"{"alg":7}"#, .malformed), (#"{}"#, .malformed),
        (#"{"typ":"JWT"}"#, .malformed), (#"{"alg":"HS256","kid":7}"#, .malformed),
        (#"{"alg":"HS256","typ":1}"#, .malformed),
    ])
    func badHeadersAreRefusedHoweverWellSigned(header: String, code: TokenError.Code) {
        let token = signed(header: header, claims: #"{"sub":"u","exp":4102444800}"#, key: key)
        #expect(verifier.refusal(of: token) == code)
    }

    @Test(arguments: [
        #"{"alg":"HS256"}"#, "\n {\"alg\":\"HS256\"}\t\r\n", #"{"typ":"at+jwt","alg":"HS256"}"#,
        #"{"typ":"application/JWT","alg":"HS256","kid":"x"}"#,
    ])
    func otherHeadersForTheSameAreAccepted(header: String) {
        #expect(verifier.refusal(of: signed(header: header, claims: #"{"sub":"u","exp":4102444800}"#, key: key)) == nil)
    }

    @Test func unsecuredTokensAreRefused() {
        let claims = base64(#"{"sub":"u","exp":4102444800}"#)
        #expect(verifier.refusal(of: base64(#"{"alg":"none"}"#) + ".\(claims).") == .unsupported)
        #expect(verifier.refusal(of: base64(#"{"alg":"HS256","typ":"JWT"}"#) + ".\(claims).") == .badSignature)
    }

    @Test func headersWithAFloodOfMembersAreRefused() {
        let many = (0..<40).map { ",\"m\($0)\":0" }.joined()
        let token = signed(header: #"{"alg":"HS256"\#(many)}"#, claims: #"{"sub":"u","exp":4102444800}"#, key: key)
        #expect(verifier.refusal(of: token) == .malformed)
    }

    @Test func sizeIsLimited() throws {
        var requirements = TokenVerifier.Requirements()
        let token = signed(claims: #"{"sub":"u","exp":4102444800}"#, key: key)
        requirements.maximumBytes = token.utf8.count
        #expect(TokenVerifier(keys: .secret(key), requirements: requirements).refusal(of: token) == nil)
        requirements.maximumBytes -= 1
        #expect(TokenVerifier(keys: .secret(key), requirements: requirements).refusal(of: token) == .tooLarge)
        let padding = String(repeating: "x", count: 4096)
        #expect(
            verifier.refusal(of: signed(claims: #"{"sub":"u","exp":4102444800,"x":"\#(padding)"}"#, key: key))
                == .tooLarge)
    }

    @Test func issuerAndAudienceAreChecked() {
        var requirements = TokenVerifier.Requirements()
        requirements.issuer = "https://id.example"
        requirements.audiences = ["spillway", "other"]
        let verifier = TokenVerifier(keys: .secret(key), requirements: requirements)
        func refusal(_ more: String) -> TokenError.Code? {
            verifier.refusal(of: signed(claims: #"{"sub":"u","exp":4102444800\#(more)}"#, key: key))
        }
        #expect(refusal(#","iss":"https://id.example","aud":"spillway""#) == nil)
        #expect(refusal(#","iss":"https://id.example","aud":["x","other"]"#) == nil)
        #expect(refusal(#","iss":"https://id.example","aud":["x"]"#) == .wrongAudience)
        #expect(refusal(#","iss":"https://id.example","aud":"Spillway""#) == .wrongAudience)
        #expect(refusal(#","iss":"https://id.example""#) == .wrongAudience)
        #expect(refusal(#","iss":"https://id.example/","aud":"spillway""#) == .wrongIssuer)
        #expect(refusal(#","aud":"spillway""#) == .wrongIssuer)
        #expect(refusal(#","iss":["https://id.example"],"aud":"spillway""#) == .malformed)
    }

    @Test(arguments: ["", ".", "..", "a", "a.b", "a.b.c.d", ".b.c", "a..c", "a.b.", "ä.b.c", "a.b.c\n", " a.b.c"])
    func whatIsNoTokenIsRefused(text: String) {
        #expect(verifier.refusal(of: text) == .malformed)
    }

    @Test func everyChangedCharacterIsNoticed() throws {
        let token = try TokenIssuer(key: key).token(subject: "alice", issuedAtMs: nowMs, lifetime: .seconds(3600))
        let original = bytes(token)
        for index in original.indices {
            for replacement in bytes("Aw-.") where replacement != original[index] {
                var changed = original
                changed[index] = replacement
                #expect(throws: TokenError.self) { try verifier.verify(changed, nowMs: nowMs) }
            }
            var shorter = original
            shorter.remove(at: index)
            // Taking one of two equal neighbours away gives the same text, whichever it was.
            #expect(throws: TokenError.self) { try verifier.verify(shorter, nowMs: nowMs) }
        }
    }

    @Test func mutationsFromASeedNeverPassNorCrash() throws {
        let issuer = TokenIssuer(key: key)
        let token = bytes(
            try issuer.token(subject: "alice", scopes: ["admin"], issuedAtMs: nowMs, lifetime: .seconds(60)))
        let seed: UInt64 = 20_261_121
        var random = SeededGenerator(seed: seed)
        for round in 0..<20_000 {
            var mutant = token
            for _ in 0...Int.random(in: 0...3, using: &random) {
                mutant.mutate(using: &random)
            }
            guard mutant != token else { continue }
            #expect(throws: TokenError.self, "seed \(seed), round \(round)") {
                try verifier.verify(mutant, nowMs: nowMs)
            }
        }
    }

    @Test func mutatedJSONBehindAGoodSignatureNeverCrashesAndNeverGivesABadSubject() {
        let claims = bytes(#"{"sub":"al\u0069ce","exp":4102444800,"nbf":1,"aud":"x","scope":"a b","x":[{"y":null}]}"#)
        var requirements = TokenVerifier.Requirements()
        requirements.audiences = ["x"]
        let verifier = TokenVerifier(keys: .secret(key), requirements: requirements)
        var random = SeededGenerator(seed: 42)
        for _ in 0..<20_000 {
            var mutant = claims
            for _ in 0...Int.random(in: 0...3, using: &random) { mutant.mutate(using: &random) }
            var token = bytes(base64(#"{"alg":"HS256"}"#) + ".") + Base64URL.encode(mutant)
            token += bytes(".") + Base64URL.encode(key.signature(of: token.span))
            if let principal = try? verifier.verify(token.span, nowMs: nowMs) {
                #expect(Principal.isValidSubject(principal.subject) && principal.expiresAtMs > nowMs)
            }
        }
    }
}

extension String {
    fileprivate func replacingLast(with character: Character) -> String { dropLast() + String(character) }
}

extension [UInt8] {
    /// Flips, replaces, removes, doubles or cuts something.
    fileprivate mutating func mutate(using random: inout SeededGenerator) {
        guard !isEmpty else { return append(UInt8.random(in: 0...255, using: &random)) }
        let index = Int.random(in: 0..<count, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: self[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: self[index] = UInt8.random(in: 0...255, using: &random)
        case 2: remove(at: index)
        case 3: insert(self[Int.random(in: 0..<count, using: &random)], at: index)
        case 4: removeLast(count - index)
        default: append(contentsOf: self[index..<Swift.min(count, index + 20)])
        }
    }
}
