import Reactions
import SpillwayCore
import SpillwayTesting
import Testing

@Suite struct TracingTests {
    @Test func aVoteIsTracedFromTheRequestThroughTheLogIntoTheProjection() async throws {
        let collector = SpanCollector()
        let harness = try ServiceHarness(tracer: collector.tracer(ratio: 0))
        let request = TraceContext.random(isSampled: true)
        try await harness.run { service in
            let receipt = try await TraceContext.$current.withValue(request) { try await service.like("v", "u") }
            _ = try await service.one("v", "u", after: [receipt.position])
            // Nobody records this one.
            let other = try await service.like("w", "u")
            _ = try await service.one("w", "u", after: [other.position])
        }
        let sends = collector.spans(named: "send reactions")
        #expect(sends.count == 1)
        let send = try #require(sends.first)
        #expect(send.parentSpanID == request.spanID && send.context.traceID == request.traceID)
        let handlings = collector.spans(named: "process reactions")
        #expect(handlings.count == 1)
        #expect(handlings.first?.links.map(\.context) == [send.context])
        #expect(handlings.first?.attributes["messaging.consumer.group.name"] == "reactions")
    }

    @Test func withoutATracerNothingTravels() async throws {
        let harness = try ServiceHarness()
        try await harness.run { service in
            let receipt = try await TraceContext.$current.withValue(.random(isSampled: true)) {
                try await service.like("v", "u")
            }
            #expect(try await service.one("v", "u", after: [receipt.position]).counts.likes == 1)
        }
    }
}
