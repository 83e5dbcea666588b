import Spillway
import SpillwayRocksDB
import Testing

@Suite struct RocksSettingsStoreTests {
    @Test func keepsRevisionsInOrderOverARestart() async throws {
        let directory = TemporaryDirectory()
        do {
            let database = try Database.open(directory("data"))
            let store = try RocksSettingsStore(database)
            for revision in 0..<12 {
                _ = try await store.put(
                    "consumer/a", value: Array("{\"concurrency\":\(revision + 1)}".utf8), author: "ann \(revision)",
                    atMs: Int64(revision), after: revision)
            }
            // A name that begins as another does is another one.
            _ = try await store.put("consumer/a2", value: [1], author: "bob", atMs: 7, after: 0)
            store.close()
            try database.close()
        }
        let database = try Database.open(directory("data"))
        let store = try RocksSettingsStore(database)
        let newest = try #require(try await store.current("consumer/a"))
        #expect(newest.revision == 12 && newest.author == "ann 11" && newest.atMs == 11)
        #expect(newest.value == Array("{\"concurrency\":12}".utf8))
        let history = try await store.history("consumer/a", limit: 3)
        #expect(history.map(\.revision) == [12, 11, 10])
        #expect(try await store.current("consumer/a2")?.value == [1])
        #expect(try await store.current("consumer/b") == nil)
        let error = await #expect(throws: SettingsError.self) {
            try await store.put("consumer/a", value: [], author: "eve", atMs: 0, after: 11)
        }
        #expect(error?.code == .conflict)
        store.close()
        try database.close()
    }

    @Test func forgetsTheOldestOfAThousandRevisions() async throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let store = try RocksSettingsStore(database)
        for revision in 0..<1_003 {
            _ = try await store.put("n", value: [], author: "", atMs: 0, after: revision)
        }
        let history = try await store.history("n", limit: 5_000)
        #expect(history.count == 1_000 && history.first?.revision == 1_003 && history.last?.revision == 4)
        store.close()
        try database.close()
    }
}
