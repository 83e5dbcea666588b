internal import SpillwayCore

extension EmbeddedBroker {
    /// Registers what is read when scraped.
    func register(_ registry: MetricsRegistry) throws {
        try database.register(registry)
        try meter(registry, "spillway_log_pending_records", "Records that wait for a sync.") {
            Double($0.writer.pending.records)
        }
        try meter(registry, "spillway_log_pending_bytes", "Bytes that wait for a sync.") {
            Double($0.writer.pending.bytes)
        }
        try meter(registry, "spillway_log_tail_bytes", "Bytes of records kept in memory for consumers.") { broker in
            broker.allLogs.reduce(0) { $0 + Double($1.withState { $0.tail.byteCount }) }
        }
        try meter(registry, "spillway_log_start_sequence", "The least of the topics' oldest sequences.") { broker in
            Double(broker.allLogs.map(\.start).min() ?? 0)
        }
        try meter(registry, "spillway_log_end_sequence", "The greatest of the topics' next sequences.") { broker in
            Double(broker.allLogs.map(\.end).max() ?? 0)
        }
        try meter(
            registry, "spillway_log_retention_held_records",
            "Records between the log's end and what the slowest group has durably committed."
        ) { broker in
            broker.allLogs.reduce(0) { sum, log in
                let held = broker.groups.durablePositions(log).values.joined().min() ?? log.end
                return sum + Double(log.end - min(held, log.end))
            }
        }
    }

    private func meter(
        _ registry: MetricsRegistry, _ name: String, _ help: String,
        _ read: @escaping @Sendable (EmbeddedBroker) -> Double
    ) throws {
        try registry.meter(name, help: help) { [weak self] in self.map(read) ?? 0 }
    }
}
