internal import SpillwayCore

/// What the log writer measures.
struct LogMetrics: Sendable {
    let publish: Timer
    let sync: Timer
    let batchRecords: Recorder
    let batchBytes: Recorder
    let records: Counter
    let skippedByRetention: Counter

    init(_ registry: MetricsRegistry) throws {
        publish = try registry.timer(
            "spillway_log_publish_seconds", help: "From the first send of a group commit until it is durable.")
        sync = try registry.timer("spillway_log_sync_seconds", help: "One sync of the write-ahead log.")
        batchRecords = try registry.recorder(
            "spillway_log_batch_records", help: "Records in one group commit.",
            buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000])
        batchBytes = try registry.recorder(
            "spillway_log_batch_bytes", help: "Bytes of the records in one group commit.",
            buckets: [128, 512, 2_048, 8_192, 32_768, 131_072, 524_288, 2_097_152, 8_388_608])
        records = try registry.counter("spillway_log_records_total", help: "Records made durable by the log.")
        skippedByRetention = try registry.counter(
            "spillway_log_skipped_by_retention_total",
            help: "Times a consumer stood before the oldest record that is kept and went on there.")
    }

    func wrote(records count: Int, bytes: Int, firstQueuedAt: UInt64?) {
        records.increment(by: Int64(count))
        batchRecords.record(count)
        batchBytes.record(bytes)
        if let firstQueuedAt { publish.recordNanoseconds(Int64(monotonicNanoseconds() - firstQueuedAt)) }
    }
}
