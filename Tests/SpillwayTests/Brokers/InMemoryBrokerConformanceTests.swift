import Spillway
import SpillwayTesting
import Testing

@Suite struct InMemoryBrokerConformanceTests {
    static func suite(sharesSequence: Bool) -> BrokerConformance {
        var features = BrokerConformance.Features()
        features.maxMessageBytes = 1 << 20
        return BrokerConformance(features: features) { InMemoryBroker(sharesSequence: sharesSequence) }
    }

    @Test(arguments: BrokerConformance.checkNames)
    func conforms(_ name: String) async throws { try await Self.suite(sharesSequence: false).run(name) }

    @Test(arguments: BrokerConformance.checkNames)
    func conformsWithSharedSequence(_ name: String) async throws {
        try await Self.suite(sharesSequence: true).run(name)
    }
}
