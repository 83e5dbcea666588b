import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayRocksDB

/// An open data directory: the database, the log and the store in it.
final class EmbeddedNode: Sendable {
    let database: Database
    let broker: EmbeddedBroker
    let store: RocksReactionStore
    let settings: RocksSettingsStore
    let partitions: Int
    /// Where backups are made.
    let maintenance = BlockingExecutor(name: "maintenance", threads: 1)

    /// Opens a data directory. Blocks.
    ///
    /// - Parameters:
    ///   - create: makes the directory if it is not there.
    ///   - log: the log's limits; `nil` takes the defaults, for commands on a stopped server.
    init(
        _ configuration: StoreConfiguration, targetTypes: [String], create: Bool, log: LogConfiguration? = nil,
        registry: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "log")
    ) throws {
        let opening = Self.opening(configuration, create: create, log: log)
        database = try Database.open(configuration.dataDirectory, opening)
        let stored = try RocksReactionStore.storedPartitions(database)
        if let stored, configuration.partitionsAreGiven, stored != configuration.partitions {
            throw CommandError(
                .configuration,
                "partitions: \(configuration.partitions) was given, but \(configuration.dataDirectory) was made with "
                    + "\(stored); the number changes only by a drain into a new directory")
        }
        partitions = stored ?? configuration.partitions
        store = try RocksReactionStore(
            database, epoch: database.storeEpoch, partitions: partitions, targetTypes: targetTypes)
        settings = try RocksSettingsStore(database)
        broker = try EmbeddedBroker(
            database, configuration: Self.broker(log), metrics: registry, logger: logger)
    }

    static func opening(
        _ configuration: StoreConfiguration, create: Bool, log: LogConfiguration?
    ) -> Database.Configuration {
        var opening = Database.Configuration()
        opening.families = RocksReactionStore.familyOptions(memtableBytes: configuration.memtableBytes)
        opening.createsDirectory = create
        opening.blockCacheBytes = configuration.blockCacheBytes
        opening.memtableBytes = configuration.memtableBytes
        opening.reserveBytes = log?.diskReserveBytes
        return opening
    }

    static func broker(_ log: LogConfiguration?) -> EmbeddedBroker.Configuration {
        var broker = EmbeddedBroker.Configuration()
        guard let log else {
            // What the server is to keep is not known here, so nothing is dropped.
            broker.retentionAge = nil
            return broker
        }
        broker.maxPendingRecords = log.queueRecords
        broker.maxPendingBytes = log.queueBytes
        broker.tailBytes = log.tailBytes
        broker.retentionAge = log.retentionAge == .zero ? nil : log.retentionAge
        broker.retentionBytes = log.retentionBytes == 0 ? nil : log.retentionBytes
        return broker
    }

    /// Makes a consistent copy while it serves.
    ///
    /// - Throws: `Problem` with what a client should hear.
    func backUp(to path: String) async throws {
        do {
            try await maintenance.run { [database] in try database.checkpoint(to: path) }
        } catch let error as DatabaseError where error.code == .foreignDirectory || error.code == .notWritable {
            throw Problem(
                .unprocessableContent, detail: "path: \(error.message)", members: [("field", .string("path"))])
        } catch let error as DatabaseError {
            throw Problem(.internalServerError, detail: error.message)
        }
    }

    /// Opens the store of dead letters and side queues, and moves there what earlier versions kept elsewhere. To be closed
    /// before this is.
    ///
    /// - Throws: `DatabaseError`, `MetricsError`.
    func openFailures(registry: MetricsRegistry, logger: Logger) async throws -> RocksFailureStore {
        let failures = try RocksFailureStore(database, metrics: registry)
        do {
            let moved = try await UndecodableMove(from: store, of: broker.source, to: failures).run()
            if moved > 0 {
                logger.notice(
                    "records that could not be decoded are dead letters now", metadata: ["records": "\(moved)"])
            }
        } catch {
            // They stay where they are; the next start tries again.
            logger.error("records that could not be decoded could not be moved", metadata: ["error": "\(error)"])
        }
        return failures
    }

    /// Writes what waits, lets backups that were begun or asked for finish, and closes.
    func close() async throws {
        await broker.close()
        settings.close()
        // A backup outlives the client that asked for it. Waited for without a thread of the pool; what still comes is
        // refused.
        try? await maintenance.run {}
        maintenance.shutdown()
        try database.close()
    }
}
