import Spillway
import SpillwayRocksDB
import SpillwayTesting
import Synchronization
import Testing

@Suite struct EmbeddedBrokerConformanceTests {
    /// The directory of each broker that a check has made.
    private final class Homes: Sendable {
        private let homes = Mutex<[ObjectIdentifier: (directory: TemporaryDirectory, broker: EmbeddedBroker)]>([:])

        func open(_ directory: TemporaryDirectory) throws -> EmbeddedBroker {
            let broker = try EmbeddedBroker(Database.open(directory("data")))
            homes.withLock { $0[ObjectIdentifier(broker)] = (directory, broker) }
            return broker
        }

        func close(_ broker: any Broker) async throws -> TemporaryDirectory {
            guard let embedded = broker as? EmbeddedBroker,
                let home = homes.withLock({ $0.removeValue(forKey: ObjectIdentifier(embedded)) })
            else { preconditionFailure("a broker of another home") }
            await embedded.close()
            try embedded.database.close()
            return home.directory
        }

        func closeAll() async throws {
            for home in homes.withLock({ Array($0.values) }) { _ = try await close(home.broker) }
        }
    }

    @Test(arguments: BrokerConformance.checkNames)
    func conformance(_ name: String) async throws {
        let homes = Homes()
        var features = BrokerConformance.Features()
        features.maxMessageBytes = EmbeddedBroker.Configuration().maxMessageBytes
        let suite = BrokerConformance(
            features: features, timeout: .seconds(60), reopen: { try await homes.open(try homes.close($0)) }
        ) { try homes.open(TemporaryDirectory()) }
        do { try await suite.run(name) } catch {
            try await homes.closeAll()
            throw error
        }
        try await homes.closeAll()
    }
}
