import Spillway
import SpillwayTesting
import Testing

@Suite struct InMemoryConsumerConformanceTests {
    @Test(arguments: ConsumerConformance.checkNames)
    func consumersConform(_ name: String) async throws {
        try await ConsumerConformance { InMemoryBroker() }.run(name)
    }
}
