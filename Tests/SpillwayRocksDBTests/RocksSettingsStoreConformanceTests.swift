import Spillway
import SpillwayRocksDB
import SpillwayTesting
import Synchronization
import Testing

@Suite struct RocksSettingsStoreConformanceTests {
    /// The store in use, and what it stands on.
    private final class Home: Sendable {
        private let directory = TemporaryDirectory()
        private let opened = Mutex<(store: RocksSettingsStore, database: Database)?>(nil)

        func open() throws -> any SettingsStore {
            let database = try Database.open(directory("data"))
            let store = try RocksSettingsStore(database)
            opened.withLock { $0 = (store, database) }
            return store
        }

        func close() throws {
            guard let (store, database) = opened.withLock({ $0.take() }) else { return }
            store.close()
            try database.close()
        }
    }

    @Test(arguments: SettingsStoreConformance.checkNames)
    func conformance(_ name: String) async throws {
        let home = Home()
        let suite = SettingsStoreConformance(
            reopen: { _ in
                try home.close()
                return try home.open()
            }, makeStore: { try home.open() })
        do { try await suite.run(name) } catch {
            try home.close()
            throw error
        }
        try home.close()
    }
}
