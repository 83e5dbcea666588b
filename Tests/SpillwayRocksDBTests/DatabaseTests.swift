import SpillwayRocksDB
import Testing

@Suite struct DatabaseTests {
    let directory = TemporaryDirectory()

    func open(_ name: String = "data") throws -> Database {
        var configuration = Database.Configuration()
        configuration.families = [ColumnFamily.Options(name: "rows")]
        return try Database.open(directory(name), configuration)
    }

    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func writesAreReadBack() throws {
        let database = try open()
        let rows = try database.family("rows")
        let batch = WriteBatch()
        for key in ["a", "b", "c", "d"] { batch.put(rows, bytes(key), bytes("value of \(key)")) }
        batch.delete(rows, bytes("c"))
        #expect(batch.count == 5)
        try database.write(batch)
        #expect(try database.get(rows, bytes("a")) == bytes("value of a"))
        #expect(try database.get(rows, bytes("c")) == nil)
        #expect(try database.withValue(rows, bytes("b")) { $0.count } == 10)
        let values = try database.multiGet(rows, [bytes("d"), bytes("c"), bytes("a")])
        #expect(values == [bytes("value of d"), nil, bytes("value of a")])
    }

    @Test func snapshotsDoNotMove() throws {
        let database = try open()
        let rows = try database.family("rows")
        let batch = WriteBatch()
        batch.put(rows, bytes("k"), bytes("1"))
        try database.write(batch)
        let before = database.snapshot()
        batch.removeAll()
        batch.put(rows, bytes("k"), bytes("2"))
        try database.write(batch)
        #expect(try database.get(rows, bytes("k"), options: .init(snapshot: before)) == bytes("1"))
        #expect(try database.get(rows, bytes("k")) == bytes("2"))
        #expect(before.sequence == database.latestSequence - 1)
    }

    @Test func iteratorsKeepTheirBounds() throws {
        let database = try open()
        let rows = try database.family("rows")
        let batch = WriteBatch()
        for key in ["a", "b", "c", "d", "e"] { batch.put(rows, bytes(key), bytes(key)) }
        try database.write(batch)
        let walk = database.iterator(rows, .init(lower: bytes("b"), upper: bytes("e")))
        var found: [[UInt8]] = []
        walk.seekToFirst()
        while walk.isValid {
            found.append(walk.key)
            walk.next()
        }
        try walk.check()
        #expect(found == ["b", "c", "d"].map(bytes))
        #expect(walk.seek(backTo: bytes("z")))
        #expect(walk.key == bytes("d"))
    }

    @Test func aBatchCanBeWrittenTwice() throws {
        let database = try open()
        let rows = try database.family("rows")
        let batch = WriteBatch()
        batch.put(rows, bytes("k"), bytes("1"))
        let size = batch.byteCount
        try database.write(batch)
        #expect(batch.byteCount == size)
        try database.write(batch, sync: true)
        #expect(database.durableSequence == database.latestSequence)
    }

    @Test func cacheOnlyReadsDoNotWait() throws {
        do {
            let database = try open()
            let rows = try database.family("rows")
            let batch = WriteBatch()
            batch.put(rows, bytes("k"), bytes("1"))
            try database.write(batch)
            #expect(try database.get(rows, bytes("k"), options: .init(tier: .cacheOnly)) == bytes("1"))
            try database.close()
        }
        let database = try open()
        let rows = try database.family("rows")
        let error = #expect(throws: DatabaseError.self) {
            try database.get(rows, bytes("k"), options: .init(tier: .cacheOnly))
        }
        #expect(error?.code == .incomplete)
        #expect(try database.get(rows, bytes("k")) == bytes("1"))
        #expect(try database.get(rows, bytes("k"), options: .init(tier: .cacheOnly)) == bytes("1"))
    }

    @Test func closingWaitsForIterators() throws {
        let database = try open()
        let rows = try database.family("rows")
        do {
            let walk = database.iterator(rows)
            let error = #expect(throws: DatabaseError.self) { try database.close() }
            #expect(error?.code == .busy)
            walk.seekToFirst()
        }
        try database.close()
    }

    @Test func epochsChangeOnlyAfterAnUncleanEnd() throws {
        let first = try open()
        let (store, log) = (first.storeEpoch, first.logEpoch)
        #expect(first.wasCleanShutdown)
        try first.close()
        let second = try open()
        #expect(second.wasCleanShutdown)
        #expect(second.storeEpoch == store)
        #expect(second.logEpoch == log)
        try second.close()
    }

    /// RocksDB answers a read from memory alone of a table that is not open with an empty value. At a start it opens
    /// only so many tables, so with a small limit of open files most of these are not open.
    @Test func readsFromMemoryAloneMakeNoValuesUp() throws {
        let names = (0..<24).map { "family \($0)" }
        var configuration = Database.Configuration()
        configuration.families = names.map { ColumnFamily.Options(name: $0) }
        configuration.maxOpenFiles = 20
        do {
            let database = try Database.open(directory("data"), configuration)
            for name in names {
                let family = try database.family(name)
                let batch = WriteBatch()
                batch.put(family, bytes("key"), bytes("value"))
                try database.write(batch)
                try database.flush(family)
            }
            try database.close()
        }
        let database = try Database.open(directory("data"), configuration)
        let memory = Database.ReadOptions(tier: .cacheOnly)
        var incomplete = 0
        for name in names {
            let family = try database.family(name)
            do {
                let value = try database.get(family, bytes("key"), options: memory)
                #expect(value == bytes("value"))
            } catch let error as DatabaseError where error.code == .incomplete {
                incomplete += 1
            }
            do {
                let values = try database.multiGet(family, [bytes("key")], options: memory)
                #expect(values == [bytes("value")])
            } catch let error as DatabaseError where error.code == .incomplete {
                incomplete += 1
            }
        }
        #expect(incomplete > 0)
    }
}
