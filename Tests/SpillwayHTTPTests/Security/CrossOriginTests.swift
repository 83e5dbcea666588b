import Testing

@testable import SpillwayHTTP

@Suite struct CrossOriginTests {
    private func respond(
        _ origins: [String], _ method: HTTPMethod, target: String = "/v1/votes", _ headers: [(String, String)]
    ) async throws -> HTTPResponse {
        var router = HTTPRouter()
        router.use(CrossOrigin(try CrossOriginRules(origins: origins)))
        router.on(.post, "/v1/votes") { _ in HTTPResponse() }
        router.on(.get, "/fails") { _ in throw Problem(.unauthorized) }
        return await router.respond(
            to: HTTPRequest(
                method: method, target: target, headers: headers.map { (HTTPFieldName($0.0), $0.1) }))
    }

    private func field(_ response: HTTPResponse, _ name: String) -> String? { response.fields[HTTPFieldName(name)] }

    private static let preflight = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "POST")]

    @Test func nothingIsAllowedByDefault() async throws {
        let answer = try await respond([], .post, [("Origin", "https://a.example")])
        #expect(answer.status == .ok && answer.fields.isEmpty)
        let preflight = try await respond([], .options, Self.preflight)
        #expect(preflight.fields.all.map(\.name) == ["Allow"])
    }

    @Test func allowedOriginsAreNamedAndAnswersVary() async throws {
        let origins = ["https://a.example", "http://localhost:3000"]
        let answer = try await respond(origins, .post, [("Origin", "https://a.example")])
        #expect(field(answer, "Access-Control-Allow-Origin") == "https://a.example")
        #expect(field(answer, "Vary") == "Origin")
        #expect(
            field(answer, "Access-Control-Expose-Headers")
                == "Spillway-Position, Retry-After, Preference-Applied, ETag, WWW-Authenticate")
        #expect(field(answer, "Access-Control-Allow-Credentials") == nil)
        // A page must be able to read why it was refused.
        let refused = try await respond(origins, .get, target: "/fails", [("Origin", "https://a.example")])
        #expect(refused.status == .unauthorized)
        #expect(field(refused, "Access-Control-Allow-Origin") == "https://a.example")
    }

    @Test(arguments: [
        "https://b.example", "https://a.example.evil.example", "http://a.example", "https://a.example:444", "null",
        "HTTPS://A.EXAMPLE", "https://a.example/", "",
    ])
    func otherOriginsGetNothing(origin: String) async throws {
        let answer = try await respond(["https://a.example"], .post, [("Origin", origin)])
        #expect(answer.status == .ok && answer.fields.all.map(\.name) == ["Vary"])
        let preflight = try await respond(
            ["https://a.example"], .options, [("Origin", origin), ("Access-Control-Request-Method", "POST")])
        #expect(field(preflight, "Access-Control-Allow-Origin") == nil)
        #expect(field(preflight, "Access-Control-Allow-Methods") == nil)
    }

    @Test func twoOriginsGetNothing() async throws {
        let answer = try await respond(
            ["https://a.example"], .post, [("Origin", "https://a.example"), ("Origin", "https://b.example")])
        #expect(field(answer, "Access-Control-Allow-Origin") == nil)
    }

    @Test func answersWithoutOriginVaryToo() async throws {
        let answer = try await respond(["https://a.example"], .post, [])
        #expect(answer.fields.all.map(\.name) == ["Vary"])
    }

    @Test func preflightsAreAnswered() async throws {
        let answer = try await respond(["https://a.example"], .options, Self.preflight)
        #expect(answer.status == .noContent)
        #expect(field(answer, "Access-Control-Allow-Origin") == "https://a.example")
        #expect(field(answer, "Access-Control-Allow-Methods") == field(answer, "Allow"))
        #expect(field(answer, "Access-Control-Allow-Methods")?.contains("POST") == true)
        let headers = try #require(field(answer, "Access-Control-Allow-Headers"))
        for name in ["Authorization", "Content-Type", "Idempotency-Key", "Prefer", "Spillway-Position"] {
            #expect(headers.contains(name))
        }
        #expect(field(answer, "Access-Control-Max-Age") == "600")
        #expect(
            field(answer, "Vary") == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
        // Without the question for a method it is a plain OPTIONS.
        let plain = try await respond(["https://a.example"], .options, [("Origin", "https://a.example")])
        #expect(field(plain, "Access-Control-Allow-Methods") == nil)
    }

    @Test func aStarAllowsAnyWithoutVarying() async throws {
        let answer = try await respond(["*"], .post, [("Origin", "https://whoever.example")])
        #expect(field(answer, "Access-Control-Allow-Origin") == "*" && field(answer, "Vary") == nil)
    }

    @Test(arguments: [
        "a.example", "https://a.example/", "https://a.example/x", "https://A.example", "https://", "://a", "null",
        "https://a.example:443", "http://a.example:80", "https://*.example", "https://a.example ", "",
    ])
    func badOriginsAreRefusedWithTheirText(origin: String) throws {
        for origins in [[origin], ["https://b.example", origin], ["*", "https://b.example"]] {
            let error = try #require(throws: CrossOriginRulesError.self) { try CrossOriginRules(origins: origins) }
            #expect(error.message.contains(origins.contains("*") ? "'*'" : "'\(origin)'"))
        }
    }

    @Test(arguments: [
        "https://a.example", "http://localhost:3000", "http://[::1]:8080", "chrome-extension://abc",
        "http://a.example:443",
    ])
    func goodOriginsAreTaken(origin: String) throws {
        #expect(try CrossOriginRules(origins: [origin]).allowedOrigin(for: origin) == origin)
    }
}
