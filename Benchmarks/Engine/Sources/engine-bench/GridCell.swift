import CAllocations
import Spillway
import SpillwayCore

/// Throughput and allocations of one setting with a full log, then ages of records that come at half that rate.
struct GridCell {
    let records: Int
    let keys: Int
    let batch: Int
    let workUs: Int
    let concurrency: Int
    let seconds: Int

    func run() async throws -> Figures {
        let topic = try await BenchTopic(maxRecords: records)
        try await topic.fill(records, keys: keys)
        // Twice: what is made once in a process counts for no record.
        _ = try await throughput(topic, group: "warm")
        let made = allocations_made()
        allocations_count(1)
        let rate = try await throughput(topic, group: "g")
        allocations_count(0)
        let perRecord = Double(allocations_made() - made) / Double(records)
        let ages = try await latency(rate / 2)
        var figures = Figures()
        figures.set("per_second", rate)
        figures.set("allocations_per_record", perRecord)
        figures.set("p50_us", ages.microseconds(atPercentile: 50))
        figures.set("p99_us", ages.microseconds(atPercentile: 99))
        return figures
    }

    private func processor(_ countdown: Countdown, _ ages: Ages?) -> Processor {
        let handler = AgeingHandler(countdown: countdown, ages: ages, work: .microseconds(workUs))
        guard batch > 0 else { return .single(handler) }
        return .batch(handler, limits: BatchLimits(maxRecords: batch, maxDelay: .milliseconds(1)))
    }

    private func throughput(_ topic: BenchTopic, group: String) async throws -> Double {
        let countdown = Countdown(records)
        var time = 0.0
        let clock = SystemTimeSource()
        let start = clock.now()
        try await topic.consume(
            topic.configuration(group: group, concurrency: concurrency), processor(countdown, nil)
        ) {
            await countdown.wait()
            time = (clock.now() - start).inSeconds
        }
        return Double(records) / time
    }

    /// From a record's send to the end of its handling. Records fall due by the clock, once a millisecond, whether those
    /// before are done or not.
    private func latency(_ rate: Double) async throws -> Ages {
        let count = Int(rate * Double(seconds))
        let topic = try await BenchTopic(maxRecords: count)
        let ages = Ages()
        let countdown = Countdown(count)
        try await topic.consume(
            topic.configuration(group: "g", concurrency: concurrency), processor(countdown, ages)
        ) {
            try await Task.sleep(for: .milliseconds(50))
            let start = ages.now
            var sent = 0
            while sent < count {
                let due = min(count, Int(Double(ages.now - start) / 1e9 * rate))
                if due > sent {
                    let stamp = ages.now
                    _ = try await topic.broker.send(
                        (sent..<due).map { BenchTopic.message(stamp, key: keys == 0 ? nil : $0 % keys) },
                        to: BenchTopic.name)
                    sent = due
                }
                try await Task.sleep(for: .milliseconds(1), tolerance: .zero)
            }
            await countdown.wait()
        }
        return ages
    }
}
