import SpillwayCore
import Testing

@testable import SpillwayHTTP

/// The secret and the example of RFC 7515, appendix A.1.
let rfcSecret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
let rfcPayload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
let rfcHS256 = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(rfcPayload).dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

/// A moment at which the tokens of the fixtures are in force.
let nowMs: Int64 = 1_790_000_000_000

/// Signed by openssl(1), the token of each algorithm with `kid` and without, by the keys of `webKeys`.
/// Claims: `{"sub": "alice", "exp": 4102444800, "scope": "admin"}`.
enum SignedElsewhere {
    static let claims = "eyJzdWIiOiAiYWxpY2UiLCAiZXhwIjogNDEwMjQ0NDgwMCwgInNjb3BlIjogImFkbWluIn0"
    static let rs256 =
        "eyJhbGciOiAiUlMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAicnNhLTEifQ.\(claims)"
        + ".nj3JCQVHv1ojlgYU4cHY5U7ETUQC_dO-G8c7cBZjNVeapVZ3yeoAPe6fQNHcUQiZ42Pd82kwKLfWclnxWfy8tipu8P_dDY3yunQiUP_j"
        + "gV2tfRBstYgXJwRtnwWbY4kS3MsCHJOK2gjuR5hn69PzkSyp3P1E54yKZqHavB0HCGfbBOIsiu8U5lwmL3qBM8rtKI4RftkI515ikhRC3A"
        + "ZWy_JFYG2bFx-JfJYzKcvaAB7YwB_XUo4xiMxOHnhsB-SmDpeOZ0GAQRnepBPlStyLTsN7kjOe-7kG9tWRdC0hf18J71r3ZCLDktOGoJC-"
        + "x9KRPUfKfmMgIMd__zuw2GOCwQ"
    static let es256 =
        "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCIsICJraWQiOiAiZWMtMSJ9.\(claims)"
        + ".FnaV8yaKzQpj4ogIBI4cVosDRL6AI893YGVeJMkwuCaYLC1YNLYtBoyBxOqByWkxc7N5TOZ12ikYBav8DFahuA"
    static let es256WithoutKeyID =
        "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogIkpXVCJ9.\(claims)"
        + ".wA9sD9ZdZ08wiVTsYLqbawsb_1zRRZHEal9MiXF8b6IoROEcPJcGe-E70JoZD2YNXEiUIPLlOd4vly9LolW3kA"
    static let edDSA =
        "eyJhbGciOiAiRWREU0EiLCAidHlwIjogIkpXVCIsICJraWQiOiAiZWQtMSJ9.\(claims)"
        + ".njKdIrKOD2e66_n6LI9LgiwBW4pAA12t-5npieZOhJBiHlP8YcIZxrlGvk7BwuD6EWI3Iqr7p8oAJpiVoklUAA"

    static let rsaModulus =
        "xnTYZeCV-XWAq-LL3_UN07yJxi9eSJBH5HnJ_ZyB44n817zlxJor83YGzl2Utc_nB_Cbhf00kr1BkkHCsgcZZGS-Yh_E-"
        + "surIDTZT-Z14Hya6qvwe6BL8QlyQFSZerChTozRhKHV1zlGw3O6bADCRizxe2dpTGEv9SoOZL-idC02hZ-Hovk39n6CuTk3dWbNJ-ntpn3n"
        + "KxwxlJ9hhAzn0sspqcCiAHaD5L5zKt9--PHEXgNaXgdRUdbpfxIvG4SfY9CTxI6n25JjaqEVDmrJmuijXV8rClascsw7iR9GFxIYK2vzzKA"
        + "JWlCe_YbhqyiNMlV0sOZ04yC2fDg2U78Pyw"
    static let rsaKey = #"{"kty":"RSA","kid":"rsa-1","use":"sig","alg":"RS256","n":"\#(rsaModulus)","e":"AQAB"}"#
    static let ecPoint =
        #""x":"q4G_OUcMSNfX-4mg5Tn7l0l1359McyOVz9zjzs9MIOw","y":"JacktUTWcmmOwJJkAp5bikqfWhadTLHduUXBcSrCr7o""#
    static let ecKey = #"{"kty":"EC","kid":"ec-1","crv":"P-256",\#(ecPoint)}"#
    static let edKey = #"{"kty":"OKP","kid":"ed-1","crv":"Ed25519","x":"DwJfnXB0kKXNyHKCCeW0w3ij-RRTWFLBzi9K-8cGCKY"}"#
    static let shortRSAKey =
        #"{"kty":"RSA","kid":"short","n":"tJ-X5iOO09fRruAb1ziqHtZJxaoCBe1-Ji8_MeRXalirCwgXLhqTjUoAu6PJVbMI"#
        + #"O0wqS--huOODUNYfJCG_z_HykUj9nwwpebu7h7zn_YCWc5u98Vhxbo40dr-cLB2Jj6WR6L0XfsFVi2gceFKW2KDsUrBxwhe_DYp0zyCRrh0","e":"AQAB"}"#
}

/// A set of the keys, as JSON.
func setOf(_ keys: String...) -> [UInt8] {
    Array(#"{"keys":[\#(keys.joined(separator: ","))]}"#.utf8)
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func base64(_ text: String) -> String { String(decoding: Base64URL.encode(text.utf8), as: UTF8.self) }

/// A secret that tests sign with.
func testKey() throws -> SigningKey { try SigningKey(bytes: Array(0..<32)) }

/// Signs any header and claims with a secret, also such as no issuer would make.
func signed(header: String = #"{"alg":"HS256","typ":"JWT"}"#, claims: String, key: SigningKey) -> String {
    let signed = base64(header) + "." + base64(claims)
    return signed + "." + String(decoding: Base64URL.encode(key.signature(of: bytes(signed).span)), as: UTF8.self)
}

extension TokenVerifier {
    /// The code of the refusal, or nil if the token was accepted.
    func refusal(of token: String, nowMs now: Int64 = nowMs) -> TokenError.Code? {
        do {
            _ = try verify(bytes(token).span, nowMs: now)
            return nil
        } catch {
            return error.code
        }
    }
}
