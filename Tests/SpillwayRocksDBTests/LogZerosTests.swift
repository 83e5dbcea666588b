import FoundationEssentials
import Glibc
import Testing

@testable import SpillwayRocksDB

/// The write-ahead log is written over zeros: whenever the process ends, what was written is all there.
@Suite struct LogZerosTests {
    let directory = TemporaryDirectory()

    private func open(_ name: String) throws -> Database {
        var configuration = Database.Configuration()
        configuration.families = [ColumnFamily.Options(name: "rows")]
        return try Database.open(directory(name), configuration)
    }

    private func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }

    private func logs(_ name: String) throws -> [(name: String, size: Int, last: Int)] {
        try FileSystem.names(in: directory(name) + "/db").filter { $0.hasSuffix(".log") }.sorted().map { file in
            let bytes = try FileSystem.read(directory(name) + "/db/" + file)
            return (file, bytes.count, (bytes.lastIndex { $0 != 0 } ?? -1) + 1)
        }
    }

    private func waitForZeros(_ name: String) throws {
        for _ in 0..<5_000 {
            if let log = try logs(name).last, log.size < log.last * 2, log.size > log.last + (8 << 10) { return }
            usleep(1_000)
        }
        Issue.record("the log's file never grew ahead of the log")
    }

    /// A copy of a running database's files is what SIGKILL leaves.
    @Test func nothingIsLostWhereverTheProcessEnds() throws {
        let database = try open("data")
        let rows = try database.family("rows")
        let batch = WriteBatch()
        for round in 0..<6 {
            for number in (round * 400)..<((round + 1) * 400) {
                batch.removeAll()
                batch.put(rows, key(number), [UInt8](repeating: UInt8(number % 251), count: number % 7_000))
                try database.write(batch)
            }
            try database.sync()
            try waitForZeros("data")
            let copy = "copy\(round)"
            try FileManager.default.copyItem(atPath: directory("data"), toPath: directory(copy))
            let reopened = try open(copy)
            let copied = try reopened.family("rows")
            for number in 0..<((round + 1) * 400) {
                let value = try reopened.get(copied, key(number))
                #expect(value == [UInt8](repeating: UInt8(number % 251), count: number % 7_000), "key \(number)")
            }
            try reopened.close()
        }
        try database.close()
        for log in try logs("data") { #expect(log.size - log.last < 8, "\(log.name) is not cut to its length") }
    }

    /// More at once than there are zeros.
    @Test func aLargeWriteWaitsForNoZeros() throws {
        let database = try open("data")
        let rows = try database.family("rows")
        let batch = WriteBatch()
        for number in 0..<12 {
            batch.removeAll()
            batch.put(rows, key(number), [UInt8](repeating: UInt8(number + 1), count: 9 << 20))
            try database.write(batch)
        }
        try database.sync()
        try FileManager.default.copyItem(atPath: directory("data"), toPath: directory("copy"))
        let reopened = try open("copy")
        for number in 0..<12 {
            let value = try reopened.get(reopened.family("rows"), key(number))
            #expect(value == [UInt8](repeating: UInt8(number + 1), count: 9 << 20), "key \(number)")
        }
    }
}
