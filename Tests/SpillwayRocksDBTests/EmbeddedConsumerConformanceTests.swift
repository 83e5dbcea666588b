import Spillway
import SpillwayRocksDB
import SpillwayTesting
import Synchronization
import Testing

@Suite struct EmbeddedConsumerConformanceTests {
    @Test(arguments: ConsumerConformance.checkNames)
    func consumersConform(_ name: String) async throws {
        let brokers = Mutex<[(broker: EmbeddedBroker, directory: TemporaryDirectory)]>([])
        let suite = ConsumerConformance(timeout: .seconds(60)) {
            let directory = TemporaryDirectory()
            let broker = try EmbeddedBroker(Database.open(directory("data")))
            brokers.withLock { $0.append((broker, directory)) }
            return broker
        }
        let result: Result<Void, any Error>
        do { result = .success(try await suite.run(name)) } catch { result = .failure(error) }
        for home in brokers.withLock({ $0 }) {
            await home.broker.close()
            try home.broker.database.close()
        }
        try result.get()
    }
}
