/// What a tracer that records consists of.
struct TracerCore: Sendable {
    var exporter: any SpanExporter
    var sampler: TraceSampler
    var time: any TimeSource
    var random: @Sendable () -> UInt64

    /// A new span in a recorded trace.
    func child(of parent: TraceContext) -> TraceContext {
        TraceContext(traceID: parent.traceID, spanID: spanID(), isSampled: true, state: parent.state)
    }

    /// The first context of a new trace; `nil` if no new trace is recorded, and then there is nothing to send along.
    func begin(links: [SpanLink]) -> TraceContext? {
        let isLinked = links.contains { $0.context.isSampled }
        if sampler.neverBegins && !isLinked { return nil }
        let traceID = TraceContext.TraceID(high: nonZero(), low: random())
        return TraceContext(traceID: traceID, spanID: spanID(), isSampled: isLinked || sampler.samples(traceID))
    }

    private func spanID() -> TraceContext.SpanID { TraceContext.SpanID(nonZero()) }

    private func nonZero() -> UInt64 {
        while true {
            let number = random()
            if number != 0 { return number }
        }
    }
}
