import SpillwayTesting
import Testing

@testable import Spillway

@Suite struct LagTrackerTests {
    @Test(arguments: [Int64.min, -1, 0, 5_000, .max])
    func anyTimeOfARecordIsATime(timestampMs: Int64) {
        var tracker = LagTracker()
        let partition = TopicPartition(source: "memory", topic: "t", partition: 0)
        let progress = PartitionProgress(partition: partition, next: .start, oldestTimestampMs: timestampMs, held: 1)
        let lag = tracker.update([progress], counts: [partition: 1], wallMs: 6_000)
        check(lag.records == 1 && lag.seconds >= 0)
        if timestampMs == 5_000 { check(lag.seconds == 1) }
    }
}
