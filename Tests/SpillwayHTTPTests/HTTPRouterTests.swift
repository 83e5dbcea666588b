import SpillwayCore
import Testing

@testable import SpillwayHTTP

@Suite struct HTTPRouterTests {
    private func router() -> HTTPRouter {
        var router = HTTPRouter()
        router.on(.get, "/v1/votes/summary") { _ in .text("summary") }
        router.on(.post, "/v1/votes") { _ in .text("vote") }
        router.on(.get, "/v1/targets/{id}/voters") { .text("voters of \($0.parameter("id") ?? "")") }
        router.on(.get, "/v1/targets/all/voters") { _ in .text("all") }
        router.on(.get, "/v1/targets/{id}") { .text("\($0.route ?? "") \($0.parameter("other") ?? "-")") }
        router.on(.delete, "/v1/targets/{id}") { _ in HTTPResponse(.noContent) }
        return router
    }

    private func answer(_ method: HTTPMethod, _ target: String) async -> (UInt16, String, String?) {
        let response = await router().respond(to: HTTPRequest(method: method, target: target))
        guard case .bytes(let body) = response.body else { return (0, "", nil) }
        return (response.status.rawValue, String(decoding: body, as: UTF8.self), response.fields[.allow])
    }

    @Test func pathsAreSplitAndThenDecodedOnce() async {
        #expect(await answer(.get, "/v1/targets/a%2Fb/voters").1 == "voters of a/b")
        #expect(await answer(.get, "/v1/targets/a%252Fb/voters").1 == "voters of a%2Fb")
        #expect(await answer(.get, "/v1/targets/a+b/voters").1 == "voters of a+b")
        #expect(await answer(.get, "/v1/%76otes/summary?x=/").1 == "summary")
        #expect(await answer(.get, "/v1/targets/all/voters").1 == "all")
        #expect(await answer(.get, "/v1/targets/%61ll/voters").1 == "all")
        #expect(await answer(.get, "/v1/targets/al").1 == "/v1/targets/{id} -")
        #expect(await answer(.get, "/v1/targets/%ff/voters").0 == 400)
        #expect(await answer(.get, "/v1/targets/%E2%82%AC/voters").1 == "voters of €")
    }

    @Test func whatHasNoRouteIsRefused() async {
        for path in [
            "/", "/v1", "/v1/votes/", "//v1/votes", "/v1/targets//voters", "/v1/votes/summary/x", "/v1%2Fvotes",
        ] {
            #expect(await answer(.get, path).0 == 404, "\(path)")
        }
        let wrong = await answer(.get, "/v1/votes")
        #expect(wrong.0 == 405 && wrong.2 == "POST, OPTIONS")
        #expect(await answer(.post, "/v1/targets/x").2 == "GET, HEAD, DELETE, OPTIONS")
        #expect(await answer(.trace, "/v1/votes").0 == 405)
        #expect(await answer(.options, "/v1/votes").0 == 204)
        #expect(await answer(.options, "*").2 == "GET, HEAD, POST, DELETE, OPTIONS")
        #expect(await answer(.head, "/v1/votes/summary").0 == 200)
    }

    @Test func aRouterMayHaveItsOwnAnswerToWhatHasNoRoute() async {
        var router = router()
        router.otherwise { .text("other: \($0.path) \($0.route ?? "-")", status: .serviceUnavailable) }
        let other = await router.respond(to: HTTPRequest(method: .get, target: "/v1/none?x=1"))
        guard case .bytes(let body) = other.body else { return }
        #expect(other.status == .serviceUnavailable && String(decoding: body, as: UTF8.self) == "other: /v1/none -")
        #expect(await router.respond(to: HTTPRequest(method: .post, target: "/v1/votes")).status == .ok)
        #expect(await router.respond(to: HTTPRequest(method: .get, target: "/v1/votes")).status == .methodNotAllowed)
    }

    private struct Key: HTTPRequestKey { typealias Value = String }

    private struct Tag: HTTPMiddleware {
        let name: String
        let failing: Bool
        func handle(_ request: HTTPRequest, next: HTTPResponder) async throws -> HTTPResponse {
            if failing { throw Problem(.forbidden, detail: name) }
            var request = request
            request[Key.self] = (request[Key.self] ?? "") + name
            var response = await next(request)
            response.fields.append(HTTPFieldName("X-Tag"), name)
            return response
        }
    }

    @Test func middlewareStandsInOrderAroundEverything() async {
        for failing in [false, true] {
            var router = HTTPRouter()
            router.use(Tag(name: "a", failing: false))
            router.use(Tag(name: "b", failing: failing))
            router.on(.get, "/") { .text($0[Key.self] ?? "") }
            let response = await router.respond(to: HTTPRequest(method: .get, target: "/"))
            #expect(response.status == (failing ? .forbidden : .ok))
            #expect(response.fields.all.filter { $0.name == "X-Tag" }.map(\.value) == (failing ? ["a"] : ["b", "a"]))
            if case .bytes(let body) = response.body, !failing { #expect(body == Array("ab".utf8)) }
            let missing = await router.respond(to: HTTPRequest(method: .get, target: "/x"))
            #expect(
                missing.status == (failing ? .forbidden : .notFound) && missing.fields.contains(HTTPFieldName("x-tag")))
        }
    }

    @Test func queriesAreDecodedOnceAndRawOnDemand() throws {
        let query = HTTPQuery("target_ids=a%2Cb,c&x=1+2&&y&z=%25&x=%C3%A9&%78=3&bad=%ff&=e&q=a=b")
        #expect(try query.first("target_ids") == "a,b,c")
        #expect(query.withRawValue("target_ids") { $0.count } == 7)
        var bytes: [UInt8] = []
        #expect(query.decodeValue("target_ids", into: &bytes) && bytes == Array("a,b,c".utf8))
        #expect(!query.decodeValue("none", into: &bytes))
        #expect(try query.first("x") == "1 2" && query.count(of: "x") == 3)
        #expect(try query.first("y") == "" && query.first("z") == "%" && query.first("none") == nil)
        #expect(try query.first("q") == "a=b")
        #expect(throws: Problem.self) { try query.first("bad") }
        #expect(try query.names() == ["target_ids", "x", "y", "z", "x", "x", "bad", "", "q"])
        #expect(HTTPQuery("").isEmpty && !query.isEmpty)
        #expect(HTTPRequest(method: .get, target: "/").query.isEmpty)
    }

    @Test func fieldsAreFoundReplacedAndHarmless() {
        var fields = HTTPFields([(.contentType, "a"), (.etag, "\"1\"")])
        fields.append(.retryAfter, 7)
        fields.set(HTTPFieldName("content-TYPE"), "b")
        #expect(fields[.contentType] == "b" && fields[.etag] == "\"1\"" && fields[.retryAfter] == "7")
        #expect(fields.all.map(\.name) == ["ETag", "Retry-After", "content-TYPE"])
        fields.append(.vary, "x\r\ny: z")
        #expect(fields[.vary] == "x  y: z")
        fields.remove(.etag)
        #expect(!fields.contains(.etag) && fields.all.count == 3)
    }

    @Test func requestsGiveTheirFieldsWithoutCopies() {
        let request = HTTPRequest(
            method: .post, target: "/a?b", headers: [(.authorization, "Bearer x"), (.accept, "a"), (.accept, "b")],
            body: [1, 2])
        #expect(request.withHeader(HTTPFieldName("AUTHORIZATION")) { $0.count } == 8)
        #expect(request.header(.accept) == "a, b" && request.headers(.accept) == ["a", "b"])
        #expect(request.header(.host) == nil && !request.hasHeader(.host) && request.path == "/a")
        #expect(request.withTarget { $0.count } == 4 && request.withBody { $0[1] } == 2)
    }

    @Test func problemsHaveTheirMembers() {
        let problem = Problem(
            .unprocessableContent, type: "urn:x", title: "T\"", detail: "d\u{1}",
            members: [("field", .string("a\\")), ("index", .integer(-3)), ("final", .boolean(true))])
        #expect(
            String(decoding: problem.body, as: UTF8.self)
                == #"{"type":"urn:x","title":"T\"","status":422,"detail":"d\u0001","field":"a\\","index":-3,"final":true}"#
        )
        #expect(Problem(.notFound).response.fields[.contentType] == "application/problem+json")
    }

    @Test func datesAreThoseOfTheStandard() {
        #expect(HTTPDate.text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        let date = HTTPDate()
        date.refresh(loopMs: 5)
        #expect(date.field.count == "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".utf8.count)
    }
}
