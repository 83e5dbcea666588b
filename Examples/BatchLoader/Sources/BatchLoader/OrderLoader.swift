import Spillway
import Synchronization

/// A line of the input, `customer,amount`, as it travels through the log.
struct Order: Codable {
    var id: Int
    var customer: String
    var cents: Int
}

/// Writes a partition's records and the place up to which they are written in one transaction. So an order is in the
/// table exactly once, wherever the process ends: either both were committed or none of both, and the next start asks the
/// table where to go on.
struct OrderLoader: PartitionBatchHandler {
    let database: OrderDatabase

    func startPositions(for partitions: [TopicPartition]) async throws -> [TopicPartition: Position] {
        try database.withConnection { connection in
            try partitions.reduce(into: [:]) { $0[$1] = try connection.position(of: $1) }
        }
    }

    func handle(_ batch: RecordBatch) async throws {
        try database.withConnection { connection in
            try connection.transaction {
                let next = try connection.position(of: batch.partition)
                // An earlier owner of the partition may have committed some of them after this one asked where to begin.
                let new = batch.records.filter { ($0.position ?? .start) >= next }
                guard let last = new.last?.position else { return }
                for record in new {
                    let order: Order = try record.json()
                    try connection.run(
                        "INSERT INTO orders (id, customer, cents) VALUES (?, ?, ?)",
                        .init(order.id), .init(order.customer), .init(order.cents))
                }
                try connection.move(batch.partition, from: next, to: last.successor)
            }
        }
    }
}

/// The table of orders, and the table of places.
final class OrderDatabase: Sendable {
    private let connection: Mutex<SQLite>

    init(path: String) throws {
        let connection = try SQLite(path: path)
        try connection.run("CREATE TABLE IF NOT EXISTS orders (id INTEGER, customer TEXT, cents INTEGER)")
        try connection.run(
            """
            CREATE TABLE IF NOT EXISTS positions (topic TEXT, part INTEGER, high INTEGER, low INTEGER,
            PRIMARY KEY (topic, part))
            """)
        self.connection = Mutex(connection)
    }

    /// Blocks: the consumer's handlers run on a `BlockingExecutor`.
    func withConnection<Result>(_ body: (SQLite) throws -> sending Result) throws -> sending Result {
        try connection.withLock { try body($0) }
    }
}

extension SQLite {
    /// The place of the next record; the start of the partition if nothing of it was loaded.
    func position(of partition: TopicPartition) throws -> Position {
        let rows = try run(
            "SELECT high, low FROM positions WHERE topic = ? AND part = ?", .init(partition.topic),
            .init(partition.partition))
        return rows.first.map { Position(high: UInt64(bitPattern: $0[0]), low: UInt64(bitPattern: $0[1])) } ?? .start
    }

    /// Moves the place, but only from where this transaction found it: what another process had moved meanwhile throws,
    /// and takes the whole transaction with it.
    func move(_ partition: TopicPartition, from old: Position, to new: Position) throws {
        try run(
            "INSERT OR IGNORE INTO positions VALUES (?, ?, 0, 0)", .init(partition.topic), .init(partition.partition))
        try run(
            "UPDATE positions SET high = ?, low = ? WHERE topic = ? AND part = ? AND high = ? AND low = ?",
            .init(new.high), .init(new.low), .init(partition.topic), .init(partition.partition), .init(old.high),
            .init(old.low))
        guard changedRows == 1 else {
            throw HandlerError(.unavailable, "\(partition) is no longer at \(old)", isRetriable: true)
        }
    }
}
