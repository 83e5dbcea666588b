import Spillway
import SpillwayCore

/// Records that take random times of asynchronous waiting, so many at a time, over the time that this takes at best.
struct RandomWorkRun {
    let records: Int
    let keys: Int
    let concurrency: Int
    let mostUs: Int

    func run() async throws -> Figures {
        var random = SplitMix(state: 0x5eed)
        let us = (0..<records).map { _ in Int.random(in: 0...mostUs, using: &random) }
        // What was drawn and what is drawn on average differ by little; the greater is divided by would flatter us.
        let ideal = min(Double(us.reduce(0, +)), Double(records) * Double(mostUs) / 2) / Double(concurrency) / 1e6
        let topic = try await BenchTopic(maxRecords: records)
        try await topic.fill(records, keys: keys)
        let countdown = Countdown(records)
        let handler = WaitingHandler(countdown: countdown, waits: us.map { .microseconds($0) })
        var time = 0.0
        let clock = SystemTimeSource()
        let start = clock.now()
        try await topic.consume(topic.configuration(group: "g", concurrency: concurrency), .single(handler)) {
            await countdown.wait()
            time = (clock.now() - start).inSeconds
            try await topic.committed("g")
        }
        let bare = try await seconds { try await bareTasks(us) }
        var figures = Figures()
        figures.set("seconds", time)
        figures.set("ideal", ideal)
        figures.set("bare_seconds", bare)
        figures.set("ratio", time / ideal)
        return figures
    }

    /// The same waits with nothing around them: as many tasks as may run at a time, each taking the next one. What they
    /// take over the ideal is the machine's, and the sleep's own.
    private func bareTasks(_ us: [Int]) async throws {
        let cursor = Cursor()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    while let index = cursor.next(below: us.count) {
                        try await Task.sleep(for: .microseconds(us[index]), tolerance: .zero)
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
