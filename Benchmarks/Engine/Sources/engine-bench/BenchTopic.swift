import Spillway
import SpillwayCore

/// A topic of one partition in memory, and consumers of it.
struct BenchTopic {
    static let name = "bench"
    static let partition = TopicPartition(source: "memory", topic: name, partition: 0)
    let broker: InMemoryBroker

    /// - Parameter maxRecords: how many it keeps; what is committed goes when there is no room.
    init(maxRecords: Int) async throws {
        var limits = InMemoryBroker.Limits()
        limits.maxRecords = maxRecords
        limits.maxBytes = .max
        broker = InMemoryBroker(limits: limits)
        _ = try await broker.ensureTopic(Self.name, partitions: 1)
    }

    /// A message whose value is a number, and whose key another; key `nil` for none.
    static func message(_ number: Int, key: Int?) -> Message {
        Message(key: key.map(bytes), value: bytes(number))
    }

    static func number(of record: Record) -> Int {
        guard let range = record.valueRange else { return 0 }
        var number = 0
        for index in range.reversed() { number = number << 8 | Int(record.storage.bytes[index]) }
        return number
    }

    /// Eight bytes, the least significant first.
    private static func bytes(_ number: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    /// Records 0 to `count`, each with the key that its number leaves divided by the number of keys.
    func fill(_ count: Int, keys: Int) async throws {
        for start in stride(from: 0, to: count, by: 1_000) {
            let numbers = start..<min(start + 1_000, count)
            _ = try await broker.send(
                numbers.map { Self.message($0, key: keys == 0 ? nil : $0 % keys) }, to: Self.name)
        }
    }

    /// The very records that consumers get.
    func records() async throws -> [Record] {
        let collected = Collected()
        try await broker.replay(Self.name, from: [0: .start]) { collected.append($0.records) }
        return collected.records
    }

    func configuration(group: String, concurrency: Int? = nil) -> ConsumerConfiguration {
        var configuration = ConsumerConfiguration(topic: Self.name, group: group)
        if let concurrency { configuration.concurrency = concurrency }
        return configuration
    }

    /// Runs a consumer until the body returns.
    func consume(
        _ configuration: ConsumerConfiguration, _ processor: Processor, while body: () async throws -> Void
    ) async throws {
        let consumer = try Consumer(
            id: "bench", broker: broker, configuration: configuration, processor: processor)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await consumer.run() } catch is CancellationError {}
            }
            try await body()
            group.cancelAll()
        }
    }

    /// Waits until a group has committed everything; throws if that takes longer than ten seconds.
    func committed(_ group: String) async throws {
        for _ in 0..<1_000 {
            let end = try await broker.endPositions(of: Self.name)
            if try await broker.committed(group: group, topic: Self.name) == end { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw BenchError("group \(group) has not committed everything")
    }
}
