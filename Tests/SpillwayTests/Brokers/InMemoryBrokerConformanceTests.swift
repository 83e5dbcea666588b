import Spillway
import SpillwayTesting
import Testing

@Suite struct InMemoryBrokerConformanceTests {
    static func suite(sharesSequence: Bool) -> BrokerConformance {
        var features = BrokerConformance.Features()
        features.maxMessageBytes = 1 << 20
        var limits = InMemoryBroker.Limits()
        limits.maxRecords = 2_000
        return BrokerConformance(
            features: features,
            trim: { broker, topic in
                for _ in 0..<2_000 { _ = try await broker.send(Message(value: [1]), to: topic) }
            }, makeBroker: { [limits] in InMemoryBroker(limits: limits, sharesSequence: sharesSequence) })
    }

    @Test(arguments: BrokerConformance.checkNames)
    func conforms(_ name: String) async throws { try await Self.suite(sharesSequence: false).run(name) }

    @Test(arguments: BrokerConformance.checkNames)
    func conformsWithSharedSequence(_ name: String) async throws {
        try await Self.suite(sharesSequence: true).run(name)
    }
}
