import Testing

@testable import SpillwayRocksDB

@Suite struct KeyValueStoreTests {
    @Test func keepsValuesByNameOverARestart() throws {
        let directory = TemporaryDirectory()
        var database = try Database.open(directory("data"))
        var store = try KeyValueStore(database)
        try store.put("a", [1])
        try store.put("a", [2])
        try store.put("b", [3])
        try store.delete("b")
        try store.delete("never")
        #expect(database.durableSequence == database.latestSequence, "each call is durable on return")
        try database.close()
        database = try Database.open(directory("data"))
        store = try KeyValueStore(database)
        #expect(try store.get("a") == [2])
        #expect(try store.get("b") == nil)
        #expect(try store.get("") == nil)
        try database.close()
    }

    @Test func eachChangeIsSynced() throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let store = try KeyValueStore(database)
        try store.put("a", [1])
        #expect(database.durableSequence == database.latestSequence)
        try store.delete("a")
        #expect(database.durableSequence == database.latestSequence)
        try database.close()
    }

    @Test func listsTheNamesThatBeginSoInTheirOrder() throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data"))
        let store = try KeyValueStore(database)
        for name in ["b", "ab", "a", "a\u{10FFFF}", "aé", "B"] { try store.put(name, Array(name.utf8)) }
        #expect(try store.all(prefix: "a").map(\.name) == ["a", "ab", "aé", "a\u{10FFFF}"])
        #expect(try store.all().map(\.name) == ["B", "a", "ab", "aé", "a\u{10FFFF}", "b"])
        #expect(try store.all(prefix: "c").isEmpty)
        #expect(try store.all(prefix: "a").allSatisfy { $0.value == Array($0.name.utf8) })
        try database.close()
    }
}
