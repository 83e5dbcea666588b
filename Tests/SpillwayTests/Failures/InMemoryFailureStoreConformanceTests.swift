import Spillway
import SpillwayTesting
import Testing

@Suite struct InMemoryFailureStoreConformanceTests {
    @Test(arguments: FailureStoreConformance.checkNames)
    func conforms(_ name: String) async throws {
        try await FailureStoreConformance(steps: 1_500) { InMemoryFailureStore(limits: $0) }.run(name)
    }
}
