import Spillway
import SpillwayCore
import Testing

@Suite struct TraceHeadersTests {
    private let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func header(_ name: String, _ value: String) -> Header { Header(name: name, value: Array(value.utf8)) }

    @Test func aContextTravelsInHeaders() throws {
        let context = try #require(TraceContext(traceparent: parent, tracestate: ["a=1,b=2"]))
        var message = Message(value: [1], headers: [header("mine", "x")])
        message.traceContext = context
        #expect(
            message.headers == [header("mine", "x"), header("traceparent", parent), header("tracestate", "a=1,b=2")])
        #expect(message.traceContext == context)
        message.traceContext = context
        #expect(message.headers.count == 3, "setting it again does not make headers grow")
        message.traceContext = nil
        #expect(message.headers == [header("mine", "x")])
    }

    @Test func brokenAndForeignHeadersAreNoContext() {
        let broken: [[Header]] = [
            [], [header("tracestate", "a=1")], [header("traceparent", "")], [header("traceparent", "00-zz")],
            [Header(name: "traceparent", value: [0xFF, 0xFE])], [header("Traceparent", parent)],
            [header("traceparent", parent), header("traceparent", parent)],
            [header("traceparent", "cc" + parent.dropFirst(2) + "-" + String(repeating: "x", count: 500))],
        ]
        for headers in broken {
            let record = Record(key: nil, value: nil, position: nil, timestampMs: 0, headers: headers)
            #expect(record.traceContext == nil)
        }
    }

    @Test func aBrokenOrHugeStateIsLeftOut() throws {
        for state in ["=", "a=1,a=2", String(repeating: "a=1,", count: 2_000)] {
            let context = try #require(
                TraceContext(headers: [header("traceparent", parent), header("tracestate", state)]))
            #expect(context.state.entries.isEmpty)
        }
        let context = try #require(
            TraceContext(headers: [
                header("tracestate", "a=1"), header("traceparent", parent), header("tracestate", "b=2"),
            ]))
        #expect(context.state.header == "a=1,b=2")
    }
}
