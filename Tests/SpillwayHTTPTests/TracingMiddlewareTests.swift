import SpillwayCore
import SpillwayHTTP
import SpillwayTesting
import Synchronization
import Testing

@Suite struct TracingMiddlewareTests {
    private struct Trouble: Error {}

    private let collector = SpanCollector()
    private let client = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    /// The answer's status, and the context in which the handler ran.
    private func answer(
        _ method: HTTPMethod, _ target: String, headers: [(String, String)] = [], ratio: Double = 1, trusts: Bool = true
    ) async -> (UInt16, TraceContext?) {
        let seen = Mutex<TraceContext?>(nil)
        var router = HTTPRouter(logger: Logger(label: "test"))
        router.use(TracingMiddleware(tracer: collector.tracer(ratio: ratio), scheme: "http", trustsClients: trusts))
        router.on(.get, "/v1/targets/{id}") { _ in
            seen.withLock { $0 = TraceContext.current }
            return .text("here")
        }
        router.on(.post, "/fails") { _ in throw Trouble() }
        let response = await router.respond(
            to: HTTPRequest(
                method: method, target: target, headers: headers.map { (HTTPFieldName($0.0), $0.1) }))
        return (response.status.rawValue, seen.withLock { $0 })
    }

    @Test func aRequestIsASpanOfItsRoute() async throws {
        let (status, seen) = await answer(.get, "/v1/targets/a?secret=1")
        let span = try #require(collector.spans.first)
        #expect(status == 200 && seen == span.context)
        #expect(span.name == "GET /v1/targets/{id}" && span.kind == .server && span.parentSpanID == nil)
        #expect(
            span.attributes == [
                "http.request.method": "GET", "url.scheme": "http", "url.path": "/v1/targets/a",
                "http.route": "/v1/targets/{id}", "http.response.status_code": 200,
            ])
        #expect(span.status == nil)
    }

    @Test func aClientsTraceGoesOn() async throws {
        let (_, seen) = await answer(
            .get, "/v1/targets/a", headers: [("TraceParent", client), ("tracestate", "a=1")], ratio: 0)
        let span = try #require(collector.spans.first)
        #expect(span.context.traceID.description == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(span.parentSpanID?.description == "00f067aa0ba902b7")
        #expect(seen?.state.header == "a=1")
    }

    @Test func strangersDecideNothing() async {
        let (_, seen) = await answer(.get, "/v1/targets/a", headers: [("traceparent", client)], ratio: 0, trusts: false)
        #expect(seen == nil && collector.spans.isEmpty)
    }

    @Test func brokenHeadersAndSeveralOfThemAreNoTrace() async {
        for headers in [[("traceparent", "00-x")], [("traceparent", client), ("traceparent", client)]] {
            let (status, seen) = await answer(.get, "/v1/targets/a", headers: headers, ratio: 0)
            #expect(status == 200 && seen == nil)
        }
        #expect(collector.spans.isEmpty)
    }

    @Test func aTraceThatIsNotRecordedReachesTheHandlerAsItCame() async {
        let unrecorded = client.dropLast() + "0"
        let (_, seen) = await answer(.get, "/v1/targets/a", headers: [("traceparent", String(unrecorded))])
        #expect(seen?.traceparent == String(unrecorded))
        #expect(collector.spans.isEmpty)
    }

    @Test func aServersErrorFailsTheSpanAndAClientsDoesNot() async throws {
        #expect(await answer(.post, "/fails").0 == 500)
        #expect(await answer(.get, "/nothing").0 == 404)
        let spans = collector.spans
        #expect(spans[0].status == SpanStatus(code: .error) && spans[0].attributes["error.type"] == "500")
        #expect(spans[1].status == nil && spans[1].name == "GET" && spans[1].attributes["http.route"] == nil)
    }
}
