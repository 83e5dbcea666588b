import Spillway
import SpillwayRocksDB
import SpillwayTesting
import Testing

@Suite struct RocksFailureStoreConformanceTests {
    @Test(arguments: FailureStoreConformance.checkNames)
    func conforms(_ name: String) async throws {
        let homes = FailureHomes()
        let suite = FailureStoreConformance(reopen: { try homes.reopen($0) }) {
            try homes.open(TemporaryDirectory(), $0)
        }
        do { try await suite.run(name) } catch {
            try homes.closeAll()
            throw error
        }
        try homes.closeAll()
    }
}
