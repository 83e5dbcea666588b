import FoundationEssentials
import Testing

@testable import SpillwayHTTP

@Suite struct JSONWebKeySetTests {
    private func verifier(_ keys: String...) throws -> TokenVerifier {
        let json = Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8)
        return TokenVerifier(keys: .webKeys(try JSONWebKeySet(json: json)))
    }

    private static let allKeys = [SignedElsewhere.rsaKey, SignedElsewhere.ecKey, SignedElsewhere.edKey]

    /// RFC 7515, appendices A.2 and A.3; RFC 8037, appendix A.4. None has a subject, and the last not even claims, which
    /// is only looked at behind the signature.
    @Test(arguments: [
        (
            "eyJhbGciOiJSUzI1NiJ9.\(rfcPayload).cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4"
                + "Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk"
                + "SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEU"
                + "ipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            #"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2m"#
                + "JPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5r"
                + "exMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmou"
                + #"dF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
            TokenError.Code.invalidSubject
        ),
        (
            "eyJhbGciOiJFUzI1NiJ9.\(rfcPayload)"
                + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
                + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            .invalidSubject
        ),
        (
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
                + ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#, .malformed
        ),
    ])
    func vectorsOfTheStandards(token: String, key: String, behindTheSignature: TokenError.Code) throws {
        let verifier = try verifier(key)
        #expect(verifier.refusal(of: token, nowMs: 1_300_819_379_999) == behindTheSignature)
        var forged = bytes(token)
        let index = try #require(forged.lastIndex(of: UInt8(ascii: "."))) + 5
        forged[index] = forged[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
        #expect(verifier.refusal(of: String(decoding: forged, as: UTF8.self), nowMs: 0) == .badSignature)
    }

    @Test(arguments: [
        SignedElsewhere.rs256, SignedElsewhere.es256, SignedElsewhere.es256WithoutKeyID, SignedElsewhere.edDSA,
    ])
    func tokensSignedElsewhereAreAcceptedAndTamperingIsNoticed(token: String) throws {
        let verifier = TokenVerifier(
            keys: .webKeys(try JSONWebKeySet(json: setOf(Self.allKeys.joined(separator: ",")))))
        let principal = try verifier.verify(bytes(token), nowMs: nowMs)
        #expect(principal.subject == "alice" && principal.scopes == ["admin"])
        let original = bytes(token)
        for index in stride(from: 0, to: original.count, by: 7) {
            var changed = original
            changed[index] = original[index] == UInt8(ascii: "Q") ? UInt8(ascii: "R") : UInt8(ascii: "Q")
            #expect(throws: TokenError.self) { try verifier.verify(changed, nowMs: nowMs) }
        }
        for extra in ["=", "A", "AA", "AAAA", "."] {
            #expect(verifier.refusal(of: token + extra) != nil)
        }
    }

    @Test func kidSelectsTheKeyAndItsTypeTheAlgorithm() throws {
        let swapped = SignedElsewhere.ecKey.replacing("ec-1", with: "rsa-1")
        #expect(try verifier(swapped).refusal(of: SignedElsewhere.es256) == .unknownKey)
        #expect(try verifier(swapped).refusal(of: SignedElsewhere.rs256) == .unknownKey)
        #expect(try verifier(swapped).refusal(of: SignedElsewhere.es256WithoutKeyID) == nil)
        #expect(try verifier(swapped, SignedElsewhere.edKey).refusal(of: SignedElsewhere.edDSA) == nil)
        // The same kid may stand for keys of different types, as the standard allows.
        #expect(try verifier(swapped, SignedElsewhere.rsaKey).refusal(of: SignedElsewhere.rs256) == nil)
    }

    @Test func aPublicKeyIsNoSecret() throws {
        // The attack: sign with HMAC, the public key's text (in any form) as the secret.
        let pem = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n"
        for secret in [pem, SignedElsewhere.rsaKey, SignedElsewhere.rsaModulus] {
            let key = try SigningKey(bytes: bytes(secret))
            for header in [
                #"{"alg":"HS256","kid":"rsa-1"}"#, #"{"alg":"HS256","typ":"JWT"}"#, #"{"alg":"RS256","kid":"rsa-1"}"#,
            ] {
                let token = signed(header: header, claims: #"{"sub":"u","exp":4102444800}"#, key: key)
                let code = try verifier(SignedElsewhere.rsaKey).refusal(of: token)
                #expect(code == (header.contains("HS256") ? .unsupported : .badSignature))
            }
        }
        let unsecured = base64(#"{"alg":"none"}"#) + "." + SignedElsewhere.claims + "."
        #expect(try verifier(SignedElsewhere.rsaKey).refusal(of: unsecured) == .unsupported)
    }

    @Test func aTokenBringsNoKeyAlong() throws {
        // The header names the attacker's own key; only the configured one counts.
        let header = #"{"alg":"ES256","jwk":{"kty":"EC","crv":"P-256",\#(SignedElsewhere.ecPoint)}}"#
        let signature = try #require(SignedElsewhere.es256.split(separator: ".").last)
        let token = base64(header) + "." + SignedElsewhere.claims + "." + signature
        let other =
            #"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
            + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
        #expect(try verifier(other).refusal(of: token) == .badSignature)
    }

    @Test func keysForOtherUsesArePassedOver() throws {
        let encryption = SignedElsewhere.rsaKey.replacing(#""use":"sig""#, with: #""use":"enc""#)
        let otherAlgorithm = SignedElsewhere.rsaKey.replacing("RS256", with: "PS256")
        let operations = SignedElsewhere.edKey.replacing(#""kid""#, with: #""key_ops":["deriveKey"],"kid""#)
        let otherCurve = #"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#
        let unknown = #"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#
        for passedOver in [encryption, otherAlgorithm, operations, otherCurve, unknown] {
            #expect(try JSONWebKeySet(json: setOf(passedOver, SignedElsewhere.ecKey)).count == 1)
            let error = try #require(throws: TokenKeyError.self) { try JSONWebKeySet(json: setOf(passedOver)) }
            #expect(error.code == .noUsableKey)
        }
        #expect(try verifier(encryption, SignedElsewhere.ecKey).refusal(of: SignedElsewhere.rs256) == .unknownKey)
    }

    @Test(arguments: [
        ("", TokenKeyError.Code.malformed), ("[]", .malformed), ("{}", .malformed), (#"{"keys":{}}"#, .malformed),
        (#"{"keys":[{}]}"#, .malformed), (#"{"keys":[]}"#, .noUsableKey),
        (#"{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}]}"#, .malformed),
        (#"{"keys":[{"kty":"EC","crv":"P-256"}]}"#, .malformed),
        (#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#, .malformed),
        (#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}"#, .malformed),
        (#"{"keys":[{"kty":"RSA","n":"!!","e":"AQAB"}]}"#, .malformed),
        (#"{"keys":[{"kty":"RSA","n":"\#(SignedElsewhere.rsaModulus)","e":"AQB"}]}"#, .malformed),
        (#"{"keys":[{"kty":"RSA","n":"\#(SignedElsewhere.rsaModulus)="}]}"#, .malformed),
        (#"{"keys":[\#(SignedElsewhere.shortRSAKey)]}"#, .size),
        (#"{"keys":[\#(SignedElsewhere.ecKey),\#(SignedElsewhere.ecKey)]}"#, .malformed),
        (#"{"keys":[{"kty":"EC","crv":"P-256",\#(SignedElsewhere.ecPoint),"d":"AA"}]}"#, .malformed),
    ])
    func badSetsAreRefused(json: String, code: TokenKeyError.Code) throws {
        let error = try #require(throws: TokenKeyError.self) { try JSONWebKeySet(json: bytes(json)) }
        #expect(error.code == code, "\(error)")
    }

    @Test func manyThreadsVerifyWithOneKey() async throws {
        let verifier = TokenVerifier(
            keys: .webKeys(try JSONWebKeySet(json: setOf(Self.allKeys.joined(separator: ",")))))
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<50).filter { round in
                        let token = [SignedElsewhere.rs256, SignedElsewhere.es256, SignedElsewhere.edDSA][round % 3]
                        return verifier.refusal(of: token) == nil
                    }.count
                }
            }
            for await accepted in group { #expect(accepted == 50) }
        }
    }
}
