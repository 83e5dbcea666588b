import Spillway
import SpillwayCore
import Synchronization
import Testing

@testable import SpillwayRocksDB

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

    /// A kill between two writes, or a failure of the second, would leave one revision too many.
    @Test func aChangeAndTheOldestItForgetsAreOneWrite() async throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let store = try RocksSettingsStore(database)
        for revision in 0..<keptSettingsRevisions {
            _ = try await store.put("n", value: [], author: "", atMs: 0, after: revision)
        }
        let before = try logRecords(directory("data/db"))
        _ = try await store.put("n", value: [], author: "", atMs: 0, after: keptSettingsRevisions)
        #expect(try logRecords(directory("data/db")) == before + 1)
        #expect(try await store.history("n", limit: 5_000).last?.revision == 2)
        store.close()
        try database.close()
    }

    /// How many batches the write-ahead log holds.
    private func logRecords(_ path: String) throws -> Int {
        var count = 0
        for name in try FileSystem.names(in: path) where name.hasSuffix(".log") {
            var file = WriteAheadLogFile(bytes: try FileSystem.read(path + "/" + name))
            while case .record? = file.next() { count += 1 }
        }
        return count
    }

    /// The first change is held where it has seen the revision, until the other one waits for its turn, or has seen the
    /// same revision: then both would be made.
    @Test func ofChangesFromOneRevisionOneIsMade() async throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let gate = Gate()
        let looked = Mutex(0)
        let store = try RocksSettingsStore(database) {
            looked.withLock { $0 += 1 }
            gate.wait()
        }
        let made = try await withThrowingTaskGroup(of: Int.self) { group in
            // Whatever fails, the group waits for its changes.
            defer { gate.open() }
            for author in ["ann", "bob"] {
                group.addTask {
                    do {
                        _ = try await store.put("n", value: [], author: author, atMs: 0, after: 0)
                        return 1
                    } catch let error as SettingsError where error.code == .conflict { return 0 }
                }
            }
            var waited = 0
            try await eventually("one change waits for the other, or both have looked") {
                // One that a second thread takes does not wait for long.
                waited = store.work.waitingCount == 1 ? waited + 1 : 0
                return looked.withLock { $0 } == 2 || waited == 20
            }
            gate.open()
            return try await group.reduce(0, +)
        }
        #expect(made == 1 && looked.withLock { $0 } == 1)
        #expect(try await store.history("n", limit: 100).count == 1)
        store.close()
        try database.close()
    }

    @Test func whatPutReturnedForIsSynced() async throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let store = try RocksSettingsStore(database)
        for revision in 0..<3 {
            _ = try await store.put("n", value: [1], author: "", atMs: 0, after: revision)
            #expect(database.durableSequence == database.latestSequence)
        }
        store.close()
        try database.close()
    }

    @Test func aRowThatCantBeReadIsAnErrorAndNotThePresent() async throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let store = try RocksSettingsStore(database)
        _ = try await store.put("n", value: [1], author: "", atMs: 0, after: 0)
        let values = try KeyValueStore(database)
        let row = try #require(try values.all().first)
        let newer = String(decoding: row.value, as: UTF8.self).split(separator: "\"format\":1").joined(
            separator: "\"format\":2")
        for bytes in [Array(newer.utf8), [], Array("{".utf8)] {
            try values.put(row.name, bytes)
            let error = await #expect(throws: SettingsError.self) { try await store.current("n") }
            #expect(error?.code == .failed)
        }
        try values.put(row.name, row.value)
        #expect(try await store.current("n")?.value == [1])
        // What is newer can be read all the same, and what can't be read can be replaced.
        try values.put(row.name, [])
        #expect(try await store.put("n", value: [2], author: "", atMs: 0, after: 1).revision == 2)
        #expect(try await store.current("n")?.value == [2])
        #expect(try await store.history("n", limit: 1).map(\.revision) == [2])
        await #expect(throws: SettingsError.self) { try await store.history("n", limit: 2) }
        store.close()
        let closed = await #expect(throws: (any Error).self) { try await store.current("n") }
        #expect(closed != nil)
        try database.close()
    }
}
