import SpillwayCore

/// What a producer measures, by topic.
struct ProducerMetrics: Sendable {
    let sent: Counter
    let failed: Counter
    let refused: Counter
    let latency: Timer

    init(registry: MetricsRegistry, topic: String) throws {
        let labels = [("topic", topic)]
        sent = try registry.counter(
            "spillway_producer_sent_total", help: "Messages that became durable.", labels: labels)
        failed = try registry.counter(
            "spillway_producer_failed_total", help: "Messages whose send failed.", labels: labels)
        refused = try registry.counter(
            "spillway_producer_refused_total", help: "Messages refused because too much was in flight.",
            labels: labels)
        latency = try registry.timer(
            "spillway_producer_send_seconds", help: "Time from a send to its durability.", labels: labels)
    }
}
