import FoundationEssentials
import Spillway

/// Memory that keys leave behind: records are produced as they go, into a broker that keeps only the last 30,000.
struct MemoryRun {
    let records: Int
    /// As many as records: each has one of its own.
    let keys: Int

    func run() async throws -> Figures {
        // So much that everything that is made once has been made; its group holds nothing back.
        try await pass(200_000, group: "warm")
        let before = try ProcessMemory.resident()
        try ProcessMemory.resetPeak()
        let time = try await seconds { try await pass(records, group: "keys") }
        var figures = Figures()
        figures.set("before_bytes", Double(before))
        figures.set("peak_bytes", Double(try ProcessMemory.peak()))
        figures.set("growth_bytes", Double(try ProcessMemory.peak() - before))
        figures.set("per_second", Double(records) / time)
        return figures
    }

    private func pass(_ records: Int, group: String) async throws {
        let topic = try await BenchTopic(maxRecords: 30_000)
        let countdown = Countdown(records)
        try await topic.consume(
            topic.configuration(group: group), .single(NoOpHandler(countdown: countdown))
        ) {
            var next = 0
            while next < records {
                let numbers = next..<min(next + 500, records)
                do {
                    _ = try await topic.broker.send(
                        numbers.map { BenchTopic.message($0, key: $0 % keys) }, to: BenchTopic.name)
                    next = numbers.upperBound
                } catch let error as BrokerError where error.code == .storageFull {
                    try await Task.sleep(for: .microseconds(500))
                }
            }
            await countdown.wait()
            try await topic.committed(group)
        }
    }
}

/// What the kernel says about this process.
enum ProcessMemory {
    static func resident() throws -> Int { try field("VmRSS:") }
    static func peak() throws -> Int { try field("VmHWM:") }

    /// The peak is measured from now on.
    static func resetPeak() throws { try Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs")) }

    private static func field(_ name: String) throws -> Int {
        let text = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/status")), as: UTF8.self)
        for line in text.split(separator: "\n") where line.hasPrefix(name) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            if words.count > 1, let kibibytes = Int(words[1]) { return kibibytes << 10 }
        }
        throw BenchError("/proc/self/status has no \(name)")
    }
}
