internal import Spillway
internal import SpillwayCore

/// The handles of the service's metrics, made once.
struct ReactionsMetrics: Sendable {
    private let votes: [Counter]
    private let repeats: Counter
    private let projected: Counter
    private let batches: Recorder
    private let transactions: Timer
    private let delay: Timer
    private let negative: Counter
    private let unread: Counter
    private let time: any TimeSource

    init(_ registry: MetricsRegistry, time: any TimeSource) throws {
        self.time = time
        votes = try Reaction.allCases.map {
            try registry.counter(
                "spillway_reactions_votes_total", help: "Votes acknowledged, by what they asked for",
                labels: [("reaction", $0.name)])
        }
        repeats = try registry.counter(
            "spillway_reactions_repeats_total", help: "Votes answered from their idempotency key")
        projected = try registry.counter(
            "spillway_projection_events_total", help: "Events applied by the projections")
        batches = try registry.recorder(
            "spillway_projection_batch_records", help: "Events applied in one transaction",
            buckets: [1, 4, 16, 64, 256, 1_024, 4_096])
        transactions = try registry.timer(
            "spillway_projection_transaction_seconds", help: "Time of one transaction of the projections")
        delay = try registry.timer(
            "spillway_projection_delay_seconds",
            help: "Time from a batch's oldest vote to its being applied and visible to everyone")
        negative = try registry.counter(
            "spillway_projection_negative_counts_total", help: "Counts found below zero: bugs; run spillway audit")
        unread = try registry.counter(
            "spillway_projection_undecodable_total", help: "Records that can't be decoded: now dead letters")
    }

    /// Gauges that are read when scraped.
    func register(_ registry: MetricsRegistry, overlay: Overlay, hub: CountsHub) throws {
        try registry.meter(
            "spillway_reactions_pending_votes", help: "Acknowledged votes that a projection or cache may not hold yet"
        ) { Double(overlay.size.records) }
        try registry.meter(
            "spillway_reactions_pending_bytes", help: "Memory that pending votes take"
        ) { Double(overlay.size.bytes) }
        try registry.meter(
            "spillway_reactions_streams", help: "Subscribers of live counts"
        ) { Double(hub.count) }
    }

    func voted(_ reaction: Reaction) { votes[Int(reaction.rawValue)].increment() }

    func repeated() { repeats.increment() }

    func applied(_ batch: ProjectionBatch, _ outcome: ProjectionOutcome, took: Duration, oldestMs: Int64?) {
        projected.increment(by: Int64(batch.events.count))
        batches.record(Double(batch.events.count))
        transactions.record(took)
        if let oldestMs { delay.record(.milliseconds(max(0, time.wallMilliseconds() - oldestMs))) }
        if outcome.negativeCounts > 0 { negative.increment(by: Int64(outcome.negativeCounts)) }
    }

    func undecodable(_ count: Int) { unread.increment(by: Int64(count)) }
}
