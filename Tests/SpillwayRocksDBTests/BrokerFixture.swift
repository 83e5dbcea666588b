import Spillway
import SpillwayRocksDB
import Synchronization
import Testing

/// A broker on a directory of its own, which can be closed and opened again.
final class BrokerFixture {
    let directory = TemporaryDirectory()
    private(set) var database: Database
    private(set) var broker: EmbeddedBroker
    private let configuration: EmbeddedBroker.Configuration
    private let databaseConfiguration: Database.Configuration

    init(
        _ configuration: EmbeddedBroker.Configuration = EmbeddedBroker.Configuration(),
        database databaseConfiguration: Database.Configuration = Database.Configuration()
    ) throws {
        self.configuration = configuration
        self.databaseConfiguration = databaseConfiguration
        database = try Database.open(directory("data"), databaseConfiguration)
        broker = try EmbeddedBroker(database, configuration: configuration)
    }

    func reopen() async throws {
        await broker.close()
        try database.close()
        database = try Database.open(directory("data"), databaseConfiguration)
        broker = try EmbeddedBroker(database, configuration: configuration)
    }

    func close() async throws {
        await broker.close()
        try database.close()
    }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension Subscription {
    /// Waits for a partition to be assigned; to be called before records are asked for.
    func assignment(of partition: TopicPartition) async throws -> Assignment {
        while let event = try await next() {
            guard case .assigned(let assignments) = event else { continue }
            if let assignment = assignments.first(where: { $0.partition == partition }) { return assignment }
        }
        throw CancellationError()
    }

    /// Receives records until there are so many, asking for them all at once; checks the deadline.
    func take(
        _ count: Int, assigned: (Assignment) -> Void = { _ in }, within seconds: Int = 20
    ) async throws -> [(partition: Int, record: Record)] {
        request(records: count, bytes: 1 << 30)
        let records = Collected()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while records.count < count {
                    guard let event = try await self.next() else { return }
                    records.add(event)
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                throw TimedOut()
            }
            try await group.next()
            group.cancelAll()
        }
        return records.all
    }
}

struct TimedOut: Error {}

private final class Collected: Sendable {
    private let state = Mutex<[(partition: Int, record: Record)]>([])
    var count: Int { state.withLock { $0.count } }
    var all: [(partition: Int, record: Record)] { state.withLock { $0 } }

    func add(_ event: SubscriptionEvent) {
        guard case .records(let batch) = event else { return }
        state.withLock { state in
            for record in batch.records { state.append((batch.partition.partition, record)) }
        }
    }
}

final class Seen: Sendable {
    private let total = Mutex(0)
    var count: Int { total.withLock { $0 } }
    func add(_ more: Int) { total.withLock { $0 += more } }
}
