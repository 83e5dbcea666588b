import Spillway
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

@Suite struct RocksFailureStoreConformanceTests {
    @Test(arguments: FailureStoreConformance.checkNames)
    func conforms(_ name: String) async throws { try await run(name, KnownEntries()) }

    /// Most names are looked up then.
    @Test(arguments: FailureStoreConformance.checkNames)
    func conformsWhenItRemembersFewEntries(_ name: String) async throws {
        try await run(name, KnownEntries(maxEntries: 2, maxWritten: 1))
    }

    private func run(_ name: String, _ known: KnownEntries) async throws {
        let homes = FailureHomes(known: known)
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
