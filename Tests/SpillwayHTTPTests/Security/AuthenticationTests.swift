import SpillwayCore
import Testing

@testable import SpillwayHTTP

@Suite struct AuthenticationTests {
    /// A wall clock that stands still.
    private struct StandingTime: TimeSource {
        func now() -> MonotonicInstant { .zero }
        func wallMilliseconds() -> Int64 { nowMs }
        func sleep(until deadline: MonotonicInstant) async throws {}
    }

    private let authentication: Authentication
    private let token: String
    private let expired: String

    init() throws {
        let key = try testKey()
        let issuer = TokenIssuer(key: key)
        token = try issuer.token(subject: "alice", scopes: ["vote"], issuedAtMs: nowMs, lifetime: .seconds(60))
        expired = try issuer.token(
            subject: "alice", scopes: ["vote"], issuedAtMs: nowMs - 60_000, lifetime: .seconds(60))
        authentication = Authentication(
            TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key))), time: StandingTime())
    }

    private func request(_ values: String...) -> HTTPRequest {
        HTTPRequest(
            method: .get, target: "/", headers: [(.accept, "*/*")] + values.map { (.authorization, $0) })
    }

    private func refusal(_ request: HTTPRequest, scope: String? = nil) -> (status: UInt16, challenge: String?)? {
        do {
            _ = try authentication.principal(of: request, scope: scope)
            return nil
        } catch {
            return (error.status.rawValue, error.response.fields[.wwwAuthenticate])
        }
    }

    @Test func aGoodTokenIsWhomItNames() throws {
        for value in ["Bearer \(token)", "bearer \(token)", "BEARER   \(token)"] {
            #expect(try authentication.principal(of: request(value), scope: "vote").subject == "alice")
            #expect(try authentication.optionalPrincipal(of: request(value))?.subject == "alice")
        }
    }

    @Test func withoutATokenThereIsAPlainChallenge() throws {
        for request in [request(), request("Basic YTpi"), request(""), request("Bearer"), request("Bearer\(token)")] {
            let refusal = try #require(self.refusal(request))
            #expect(refusal.status == 401 && refusal.challenge == "Bearer")
        }
        #expect(try authentication.optionalPrincipal(of: request()) == nil)
    }

    @Test func aBadTokenIsRefusedAlsoWhereItIsOptional() throws {
        for value in [
            "Bearer x", "Bearer ", "Bearer \(expired)", "Bearer \(token)x", "Bearer \(token) x", "Basic YTpi",
        ] {
            let problem = try #require(throws: Problem.self) {
                try authentication.optionalPrincipal(of: request(value))
            }
            #expect(problem.status == .unauthorized)
        }
        let refusal = try #require(self.refusal(request("Bearer \(expired)")))
        #expect(refusal.challenge == #"Bearer error="invalid_token", error_description="the token expired""#)
    }

    @Test func aMissingScopeIs403() throws {
        let refusal = try #require(self.refusal(request("Bearer \(token)"), scope: "admin"))
        #expect(refusal.status == 403)
        #expect(refusal.challenge == #"Bearer error="insufficient_scope", scope="admin""#)
        #expect(self.refusal(request(), scope: "admin")?.status == 401)
    }

    @Test func twoFieldsAre400EvenIfOneIsGood() {
        #expect(refusal(request("Bearer \(token)", "Bearer \(token)"))?.status == 400)
        #expect(refusal(request("Basic x", "Bearer \(token)"))?.status == 400)
    }

    @Test func noMessageBreaksOutOfTheChallenge() {
        let codes: [String] = ["Bearer a.b.c", "Bearer \"", "Bearer \\", "Bearer a\",x=\"b", "Bearer é"]
        for value in codes {
            let challenge = refusal(request(value))?.challenge ?? ""
            #expect(challenge.utf8.count { $0 == UInt8(ascii: "\"") } == 4 && !challenge.contains("\\"))
        }
    }
}
