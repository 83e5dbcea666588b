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
            // A little is kept, and nothing goes but when a check asks for it.
            let configuration = RetentionTests.configuration(bytes: 1 << 20)
            let broker = try EmbeddedBroker(Database.open(directory("data")), configuration: configuration)
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

    /// Sends until a file of the log is dropped.
    private static func trim(_ broker: any Broker, _ topic: String) async throws {
        guard let embedded = broker as? EmbeddedBroker else { return }
        let start = try embedded.startPosition(of: topic)
        var random = SystemRandomNumberGenerator()
        try await eventually("the oldest records go") {
            for _ in 0..<32 {
                // What does not compress, so that it fills files.
                let value = (0..<8_192).flatMap { _ in withUnsafeBytes(of: random.next(), Array.init) }
                _ = try await embedded.send(Message(value: value), to: topic)
            }
            try embedded.database.flush(try embedded.database.family("log.\(topic)"))
            try await embedded.runRetention()
            return try embedded.startPosition(of: topic) > start
        }
    }

    @Test(arguments: BrokerConformance.checkNames)
    func conformance(_ name: String) async throws {
        let homes = Homes()
        var features = BrokerConformance.Features()
        features.maxMessageBytes = EmbeddedBroker.Configuration().maxMessageBytes
        let suite = BrokerConformance(
            features: features, timeout: .seconds(60), reopen: { try await homes.open(try homes.close($0)) },
            trim: Self.trim, makeBroker: { try homes.open(TemporaryDirectory()) })
        do { try await suite.run(name) } catch {
            try await homes.closeAll()
            throw error
        }
        try await homes.closeAll()
    }
}
