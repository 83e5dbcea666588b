import SpillwayCore

/// What an exporter measures.
struct OTLPMetrics: Sendable {
    let exported: Counter
    let failed: Counter
    let droppedFull: Counter
    let droppedShutdown: Counter
    let retries: Counter
    let request: Timer

    init(_ registry: MetricsRegistry) throws {
        func dropped(_ reason: String) throws -> Counter {
            try registry.counter(
                "spillway_otlp_dropped_spans_total", help: "Spans dropped before they were sent, by reason.",
                labels: [("reason", reason)])
        }
        exported = try registry.counter("spillway_otlp_exported_spans_total", help: "Spans that the collector took.")
        failed = try registry.counter(
            "spillway_otlp_failed_spans_total",
            help: "Spans that the collector refused, or that were given up after the last attempt.")
        droppedFull = try dropped("queue-full")
        droppedShutdown = try dropped("shutdown")
        retries = try registry.counter("spillway_otlp_retries_total", help: "Requests that were sent again.")
        request = try registry.timer("spillway_otlp_request_seconds", help: "Time of one request to the collector.")
    }
}
