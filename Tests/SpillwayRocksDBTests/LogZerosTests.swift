import FoundationEssentials
import Glibc
import SpillwayCore
import Synchronization
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
        for round in 0..<6 {
            try write((round * 400)..<((round + 1) * 400), database)
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

    /// Rows of many sizes, each in a batch of its own.
    private func write(_ numbers: Range<Int>, _ database: Database) throws {
        let rows = try database.family("rows")
        let batch = WriteBatch()
        for number in numbers {
            batch.removeAll()
            batch.put(rows, key(number), [UInt8](repeating: UInt8(number % 251), count: number % 7_000))
            try database.write(batch)
        }
        try database.sync()
    }

    /// A copy of a log goes up to its size: behind the log's end it would have zeros, and behind these what was written once
    /// it had passed there.
    @Test func theSizeOfALogIsWithoutThem() throws {
        let database = try open("data")
        try write(0..<400, database)
        try waitForZeros("data")
        let registry = MetricsRegistry()
        try database.register(registry)
        let lines = String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("spillway_rocksdb_log_bytes ") })
        let size = try #require(line.split(separator: " ").last.flatMap { Double($0) })
        // The last bytes of a witness are zeros.
        let written = try logs("data").reduce(0) { $0 + $1.last }
        #expect((written..<(written + 8)).contains(Int(size)))
        try database.close()
    }

    private final class Progress: Sendable {
        let isDone = Atomic<Bool>(false)
    }

    @Test func checkpointsUnderLoadAreWhole() async throws {
        let database = try open("data")
        let progress = Progress()
        let writing = Task.detached { [self] in
            let rows = try database.family("rows")
            let batch = WriteBatch()
            for number in 0..<20_000 where !progress.isDone.load(ordering: .acquiring) {
                batch.removeAll()
                batch.put(rows, key(number % 50), [UInt8](repeating: UInt8(number % 250 + 1), count: 900_000))
                try database.write(batch)
                if number % 4 == 0 { try database.sync() }
            }
        }
        defer { progress.isDone.store(true, ordering: .releasing) }
        for number in 0..<12 {
            let path = directory("copy \(number)")
            try database.checkpoint(to: path)
            let scan = try WriteAheadLogScan(database: path + "/db")
            #expect(!scan.hasBatchesBehind, "\(scan.report)")
            try open("copy \(number)").close()
            try FileManager.default.removeItem(atPath: path)
        }
        progress.isDone.store(true, ordering: .releasing)
        try await writing.value
        try database.close()
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
