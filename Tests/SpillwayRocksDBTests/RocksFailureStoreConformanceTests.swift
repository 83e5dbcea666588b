import Spillway
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

@Suite struct RocksFailureStoreConformanceTests {
    @Test(arguments: FailureStoreConformance.checkNames)
    func conforms(_ name: String) async throws { try await run(name, FailureHomes()) }

    /// Blocks are read each time then, and written anew as soon as half of what they hold has gone.
    @Test(arguments: FailureStoreConformance.checkNames)
    func conformsWhenItKeepsNoBlocksAndCleansUpAtOnce(_ name: String) async throws {
        try await run(name, FailureHomes(cachedBytes: 0, index: PlaceIndex(spareRecords: 0, spareBytes: 0)))
    }

    private func run(_ name: String, _ homes: FailureHomes) async throws {
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
