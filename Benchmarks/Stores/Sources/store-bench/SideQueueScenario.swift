import Spillway
import SpillwayRocksDB

/// All records into a side queue with due times and out of it, and the same through the embedded broker, each in a
/// directory of its own.
///
/// In is one call after the other by each caller, of so many records; each call is durable on return. Out is what
/// a consumer does: read what is due, as many at a time as it reads, and then remove it, durably; of the broker, receive
/// and commit.
struct SideQueueScenario {
    private let options: Options
    private let records: SampleRecords

    init(_ options: Options) {
        self.options = options
        records = SampleRecords(options)
    }

    func run() async throws -> Figures {
        var figures = Figures()
        if options.brokerFirst { try await broker(&figures) }
        try await sideQueue(&figures)
        if !options.brokerFirst { try await broker(&figures) }
        return figures
    }

    /// Runs a body for each call's numbers, so many at a time.
    private func callers(_ body: @escaping @Sendable (Range<Int>) async throws -> Void) async throws {
        let (count, batch, callers) = (records.count, options.batch, options.callers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    for start in stride(from: caller * batch, to: count, by: callers * batch) {
                        try await body(start..<min(start + batch, count))
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: The side queue

    private func sideQueue(_ figures: inout Figures) async throws {
        let database = try Database.open(options.directory + "/side")
        let store = try RocksFailureStore(database)
        let records = records
        let intake = try await time {
            try await callers { numbers in
                try await store.apply(
                    numbers.map { .put(records.entry($0)) }, group: SampleRecords.group, generations: [:])
            }
        }
        let standing = try await store.sideCount(group: SampleRecords.group).records
        guard standing == records.count else { throw Options.Refusal(description: "\(standing) are in the side queue") }
        let output = try await time { try await drain(store) }
        let left = try await store.sideCount(group: SampleRecords.group).records
        guard left == 0 else { throw Options.Refusal(description: "\(left) are left in the side queue") }
        figures.set("side_in", Double(records.count) / intake)
        figures.set("side_out", Double(records.count) / output)
        store.close()
        try database.close()
    }

    private func drain(_ store: RocksFailureStore) async throws {
        let batch = max(options.batch, 256)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for partition in 0..<SampleRecords.partitions {
                group.addTask {
                    while true {
                        let due = try await store.delayedEntries(
                            group: SampleRecords.group, partition: SampleRecords.partition(partition),
                            dueByMs: 2_000_000, limit: batch)
                        guard !due.isEmpty else { return }
                        try await store.apply(
                            due.map { .remove($0.name) }, group: SampleRecords.group, generations: [:])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    // MARK: The broker

    private func broker(_ figures: inout Figures) async throws {
        let database = try Database.open(options.directory + "/broker")
        let broker = try EmbeddedBroker(database)
        _ = try await broker.ensureTopic(SampleRecords.topic, partitions: SampleRecords.partitions)
        let records = records
        let isSingle = options.batch == 1
        let intake = try await time {
            try await callers { numbers in
                if isSingle {
                    _ = try await broker.send(records.message(numbers.lowerBound), to: SampleRecords.topic)
                } else {
                    _ = try await broker.send(numbers.map { records.message($0) }, to: SampleRecords.topic)
                }
            }
        }
        let output = try await time { try await consume(broker) }
        figures.set("broker_in", Double(records.count) / intake)
        figures.set("broker_out", Double(records.count) / output)
        await broker.close()
        try database.close()
    }

    private func consume(_ broker: EmbeddedBroker) async throws {
        let subscription = try await broker.subscribe(
            SubscriptionRequest(topic: SampleRecords.topic, group: SampleRecords.group))
        let window = 10_000
        subscription.request(records: window, bytes: 64 << 20)
        var received = 0
        while received < records.count, let event = try await subscription.next() {
            guard case .records(let batch) = event, let last = batch.records.last?.position else { continue }
            received += batch.records.count
            try await subscription.commit([
                Commit(partition: batch.partition, generation: batch.generation, next: last.successor)
            ])
            let bytes = batch.records.reduce(0) { $0 + $1.byteCount }
            subscription.request(records: batch.records.count, bytes: bytes)
        }
        await subscription.close()
    }
}
