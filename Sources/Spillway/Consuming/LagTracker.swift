/// Works out how far a consumer is behind.
///
/// In seconds it is the age of the oldest record that has not been finished; for a partition whose lagging records
/// have not been fetched yet, the time since the lag was first seen.
struct LagTracker: Sendable {
    private var laggingSinceMs: [TopicPartition: Int64] = [:]

    mutating func update(
        _ progress: [PartitionProgress], counts: [TopicPartition: Int], wallMs: Int64
    ) -> (records: Int, seconds: Double) {
        var records = 0
        var oldest: Int64?
        var since: [TopicPartition: Int64] = [:]
        for partition in progress {
            let count = counts[partition.partition] ?? 0
            guard count > 0 || partition.oldestTimestampMs != nil else { continue }
            records += count
            let start = partition.oldestTimestampMs ?? laggingSinceMs[partition.partition] ?? wallMs
            since[partition.partition] = laggingSinceMs[partition.partition] ?? wallMs
            oldest = oldest.map { min($0, start) } ?? start
        }
        laggingSinceMs = since
        // Producers set times as they like.
        let age = oldest.map { wallMs.subtractingReportingOverflow($0) }
        return (records, age.map { Double($0.overflow ? .max : max(0, $0.partialValue)) / 1_000 } ?? 0)
    }
}
