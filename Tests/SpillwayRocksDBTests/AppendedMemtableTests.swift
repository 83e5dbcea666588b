import FoundationEssentials
import SpillwayRocksDB
import Testing

@Suite struct AppendedMemtableTests {
    /// Pages of memory that this process has.
    private static func pages() throws -> Int {
        let words = String(decoding: try Data(contentsOf: URL(filePath: "/proc/self/statm")), as: UTF8.self)
            .split(separator: " ")
        return try #require(Int(words[1]))
    }

    /// Each has a walk of its own, which holds all keys as they were sorted then: it ends with the read.
    @Test func pointReadsKeepNothing() async {
        await #expect(processExitsWith: .success) {
            let directory = TemporaryDirectory()
            var rows = ColumnFamily.Options(name: "rows")
            rows.memtable = .appended
            var configuration = Database.Configuration()
            configuration.families = [rows]
            let database = try Database.open(directory("data"), configuration)
            let family = try database.family("rows")
            let batch = WriteBatch()
            func key(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }
            for number in 0..<20_000 { batch.put(family, key(number), [1]) }
            try database.write(batch)
            let before = try Self.pages()
            for round in 0..<2_000 {
                batch.removeAll()
                batch.put(family, key(20_000 + round), [2])
                try database.write(batch)
                try #require(try database.get(family, key(20_000 + round)) == [2])
                try #require(try database.get(family, key(round)) == [1])
                try #require(try database.get(family, [255, 255, UInt8(round & 255)]) == nil)
            }
            // Kept, these are a hundred megabytes and more.
            try #require(try Self.pages() - before < 32 << 8)
            try database.close()
        }
    }
}
