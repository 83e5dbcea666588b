import SpillwayCore
import Testing

@Suite struct TraceContextTests {
    private let example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func readsTheStandardsExample() throws {
        let context = try #require(TraceContext(traceparent: example, tracestate: ["congo=t61rcWkgMzE"]))
        #expect(context.traceID.description == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context.spanID.description == "00f067aa0ba902b7")
        #expect(context.isSampled)
        #expect(context.state["congo"] == "t61rcWkgMzE")
        #expect(context.traceparent == example)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473x-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bX-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0.",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ])
    func refuses(traceparent: String) {
        #expect(TraceContext(traceparent: traceparent) == nil)
    }

    @Test func readsLaterVersions() throws {
        let tail = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-09"
        let context = try #require(TraceContext(traceparent: "cc" + tail))
        #expect(context.isSampled)
        #expect(context.traceparent == example, "what goes out is version 00, without unknown flags")
        #expect(TraceContext(traceparent: "cc" + tail + "-what-is-to-come") != nil)
    }

    @Test func childKeepsTheTrace() throws {
        let parent = TraceContext.random(isSampled: true)
        let child = parent.child()
        #expect(child.traceID == parent.traceID && child.spanID != parent.spanID && child.isSampled)
        #expect(TraceContext(traceparent: child.traceparent) == child)
    }

    @Test func travelsWithTheTask() async {
        #expect(TraceContext.current == nil)
        let context = TraceContext.random()
        await TraceContext.$current.withValue(context) {
            async let seen = TraceContext.current
            #expect(await seen == context)
        }
    }

    @Test func invalidStateIsLeftOut() throws {
        let context = try #require(TraceContext(traceparent: example, tracestate: ["a=1,a=2"]))
        #expect(context.state.entries.isEmpty)
    }
}
