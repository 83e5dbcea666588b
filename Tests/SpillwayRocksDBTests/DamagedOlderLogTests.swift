import FoundationEssentials
import Spillway
import Testing

@testable import SpillwayRocksDB

/// Damage in a file of the write-ahead log that is not the newest.
@Suite struct DamagedOlderLogTests {
    private let log = DamagedLogTests()

    private func logs(_ path: String) throws -> [String] {
        try WriteAheadLogScan.files(in: path + "/db").map { path + "/db/" + $0 }
    }

    private func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(filePath: path))) }

    private func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

    private func flip(_ text: String, in path: String) throws {
        var bytes = try bytes(path)
        bytes[try log.find(text, in: bytes)] ^= 1
        try write(bytes, to: path)
    }

    /// The records of a log file.
    private func records(_ path: String) throws -> [[UInt8]] {
        var file = WriteAheadLogFile(bytes: try bytes(path))
        var records: [[UInt8]] = []
        while let item = file.next() {
            guard case .record(let record) = item else { continue }
            records.append(record)
        }
        return records
    }

    private func file(_ records: some Sequence<[UInt8]>) -> [UInt8] {
        var writer = WriteAheadLogWriter()
        for record in records { writer.append(record) }
        return writer.bytes
    }

    private func place(of text: String, in records: [[UInt8]]) throws -> Int {
        try #require(records.firstIndex { $0.firstRange(of: Array(text.utf8)) != nil })
    }

    /// Two files of the log, since a table was made in between; the first one is cut short where a record ends.
    private func cutShort() async throws -> String {
        let path = try await log.crash(100, later: 10)
        let first = try #require(try logs(path).first)
        let records = try records(first)
        try write(file(records[..<(try place(of: "value 50", in: records))]), to: first)
        return path
    }

    /// The same batches in two files, though nothing was written to a table, without the one with record 50.
    private func withoutOneRecord() async throws -> String {
        let path = try await log.crash(100, unsynced: 5)
        let only = try #require(try logs(path).last)
        let records = try records(only)
        let place = try place(of: "value 50", in: records)
        try write(file(records[..<place]), to: only)
        try write(file(records[(place + 1)...]), to: path + "/db/000999.log")
        return path
    }

    /// Keeps the log and marks the directory, as a recovery does first; returns where it is kept.
    private func beginRecovery(_ path: String) throws -> String {
        let name = "damaged-1"
        let kept = path + "/" + name
        try FileSystem.makeDirectories(kept)
        for file in try WriteAheadLogScan.files(in: path + "/db") {
            try FileSystem.copy(path + "/db/" + file, to: kept + "/" + file)
        }
        try UnfinishedWork.recovery(kept: name).mark(path)
        return kept
    }

    /// As damaged, with nothing changed.
    private func checkThatItIsRefused(_ path: String) throws {
        let before = try log.contents(path)
        let error = #expect(throws: DatabaseError.self) { try Database.open(path) }
        #expect(error?.code == .damagedLog)
        #expect(try log.contents(path) == before)
    }

    private func rows(_ path: String) throws -> Int {
        let database = try Database.open(path)
        defer { try? database.close() }
        let walk = database.iterator(try database.family("rows"), .init())
        walk.seekToFirst()
        var count = 0
        while walk.isValid {
            count += 1
            walk.next()
        }
        try walk.check()
        return count
    }

    @Test func aWriterMakesWhatTheReaderReads() {
        let records = [0, 1, 100, 32_700, 32_755, 32_761, 32_768, 100_000].map { size in
            (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
        }
        for count in 0...records.count {
            var writer = WriteAheadLogWriter()
            for record in records[..<count] { writer.append(record) }
            writer.appendDamage()
            for record in records[count...] { writer.append(record) }
            var file = WriteAheadLogFile(bytes: writer.bytes)
            var found: [[UInt8]] = []
            var holes: [Int] = []
            while let item = file.next() {
                switch item {
                case .record(let record): found.append(record)
                case .hole: holes.append(found.count)
                }
            }
            #expect(found == records)
            #expect(holes == [count])
        }
    }

    @Test func aRecoveryKeepsAllThatCanBeReadIfATableIsAheadOfTheDamage() async throws {
        let path = try await log.crash(100, later: 10)
        #expect(try logs(path).count == 2)
        try flip("value 50", in: try #require(try logs(path).first))
        try checkThatItIsRefused(path)
        let report = try Database.recover(path, acceptLoss: true)
        #expect(report.keepsAllBehind)
        #expect(report.salvagedEntries == 59)
        #expect(report.description.contains("spillway audit --repair"))
        #expect(try await log.values(path) == (0..<110).filter { $0 != 50 }.map { "value \($0)" })
        #expect(try rows(path) == 1)
        #expect(try Database.recover(path, acceptLoss: false).isIntact)
    }

    @Test func aFileCutShortIsRefusedAndRecovered() async throws {
        let path = try await cutShort()
        try checkThatItIsRefused(path)
        let report = try Database.recover(path, acceptLoss: true)
        #expect(report.keepsAllBehind)
        let left = Array(0..<50) + Array(100..<110)
        #expect(try await log.values(path) == left.map { "value \($0)" })
        #expect(try Database.recover(path, acceptLoss: false).isIntact)
    }

    /// RocksDB itself would go on with the next file, rows included.
    @Test func whatProjectionsWroteBehindAGapIsNotTakenOver() async throws {
        let path = try await withoutOneRecord()
        let error = #expect(throws: DatabaseError.self) { try Database.open(path) }
        #expect(error?.code == .damagedLog)
        let report = try Database.recover(path, acceptLoss: true)
        #expect(!report.keepsAllBehind)
        #expect(report.salvagedEntries == 49)
        #expect(try rows(path) == 0)
        #expect(try await log.values(path) == (0..<100).filter { $0 != 50 }.map { "value \($0)" })
    }

    /// Rows that were never synced, of which the end of one file is gone and the next file is there: power was lost between
    /// the two syncs.
    @Test(arguments: [0, 100_000])
    func nothingBehindAGapOfWhatWasNotSyncedIsTaken(zeros: Int) async throws {
        let path = try await log.crash(100, unsynced: 5)
        let only = try #require(try logs(path).last)
        let records = try records(only)
        let last = try place(of: "value 99", in: records)
        let rows = records.indices.filter { $0 > last && records[$0].count > 500 }
        #expect(rows.count == 5)
        try write(file(records[..<rows[1]]) + [UInt8](repeating: 0, count: zeros), to: only)
        try write(file(records[rows[2]...]), to: path + "/db/000999.log")
        #expect(try self.rows(path) == 1)
        #expect(try await log.values(path) == (0..<100).map { "value \($0)" })
    }

    /// Its own row stood where the damage is, its entries behind.
    @Test func aTopicThatIsMadeAgainHasWhatWasRecovered() async throws {
        let path = try await log.crash(100)
        let only = try #require(try logs(path).last)
        var bytes = try bytes(only)
        let row = try log.find("topic.t", in: bytes)
        bytes[row] ^= 1
        try write(bytes, to: only)
        #expect(try Database.recover(path, acceptLoss: true).salvagedEntries >= 100)
        let database = try Database.open(path)
        let broker = try EmbeddedBroker(database)
        _ = try await broker.ensureTopic("t", partitions: 1)
        _ = try await broker.send(Message(value: Array("value 100".utf8)), to: "t")
        await broker.close()
        try database.close()
        #expect(try await log.values(path) == (0...100).map { "value \($0)" })
    }

    @Test(arguments: [true, false])
    func aRecoveryThatWasCutOffBeforeTheOpeningGoesOn(isAhead: Bool) async throws {
        let path = isAhead ? try await log.crash(100, later: 10) : try await withoutOneRecord()
        if isAhead { try flip("value 50", in: try #require(try logs(path).first)) }
        let kept = try beginRecovery(path)
        // Some of it was done: the first file is cut already, or without what can't be read.
        let repair = LogRepair(kept: kept, database: path + "/db")
        if isAhead {
            try repair.leaveOutDamage()
        } else {
            try repair.endAtDamage(try #require(try WriteAheadLogScan(database: kept).cut))
        }
        let report = try Database.recover(path, acceptLoss: true)
        #expect(report.keepsAllBehind == isAhead)
        #expect(
            try await log.values(path)
                == (0..<(isAhead ? 110 : 100)).filter { $0 != 50 }.map { "value \($0)" })
    }

    @Test func aRecoveryThatWasCutOffBehindTheOpeningSaysStillWhatToCheck() async throws {
        let path = try await log.crash(100, later: 10)
        try flip("value 50", in: try #require(try logs(path).first))
        let kept = try beginRecovery(path)
        try LogRepair(kept: kept, database: path + "/db").leaveOutDamage()
        let directory = try DataDirectory.lock(path, create: false, endsRecovery: true)
        let opened = try Opening.run(
            directory, Database.Configuration(), accepting: .tolerateCorruptedTail, newLogEpoch: true)
        try Database(opened, Database.Configuration()).close()
        let report = try Database.recover(path, acceptLoss: true)
        #expect(report.keepsAllBehind)
        #expect(try await log.values(path) == (0..<110).filter { $0 != 50 }.map { "value \($0)" })
    }

    @Test func aRecoveryMakesFamiliesThatAreNew() async throws {
        let path = try await log.crash(100, later: 10)
        try flip("value 50", in: try #require(try logs(path).first))
        var configuration = Database.Configuration()
        configuration.families = [.init(name: "new")]
        #expect(try Database.recover(path, acceptLoss: true, configuration).keepsAllBehind)
        let database = try Database.open(path)
        #expect(database.familyNames.contains("new"))
        try database.close()
    }

    /// What it holds is in tables; the process ended before it came to remove the file.
    @Test func damageToAFileThatIsNeededNoMoreIsNoLoss() async throws {
        let path = try await log.crash(100, later: 10)
        let first = try #require(try logs(path).first)
        let old = try bytes(first)
        try Database.open(path).close()
        try write(old, to: first)
        try flip("value 50", in: first)
        #expect(try WriteAheadLogScan(database: path + "/db").isSyncedDataLost)
        // Who asks first hears the same.
        let report = try Database.recover(path, acceptLoss: true)
        #expect(report.isIntact && report.keptFiles == nil)
        #expect(report.description.contains("tables hold what is damaged"))
        #expect(try await log.values(path) == (0..<110).map { "value \($0)" })
    }

    /// What was applied behind the damage is rolled back, and readers have seen it.
    @Test func aRecoveryIsANewEpochOfTheStoreAlsoBehindACleanEnd() async throws {
        let path = try await log.crash(100)
        let (store, logs) = try log.epochs(log.directory("data"))
        try FileSystem.writeDurably([], to: path + "/clean")
        try flip("value 50", in: try #require(try self.logs(path).last))
        _ = try Database.recover(path, acceptLoss: true)
        let (newStore, newLog) = try log.epochs(path)
        #expect(newStore > store)
        #expect(newLog > logs)
    }

    /// A directory that RocksDB can't open for another reason is left as it is.
    @Test func nothingIsMarkedIfTheOpeningWouldFail() async throws {
        let path = try await log.crash(100, later: 10)
        try flip("value 50", in: try #require(try logs(path).first))
        let names = try FileManager.default.contentsOfDirectory(atPath: path + "/db")
        let manifest = try #require(names.first { $0.hasPrefix("MANIFEST") })
        var bytes = try bytes(path + "/db/" + manifest)
        bytes[bytes.count / 2] ^= 1
        try write(bytes, to: path + "/db/" + manifest)
        let before = try log.contents(path)
        #expect(throws: DatabaseError.self) { try Database.recover(path, acceptLoss: true) }
        #expect(try log.contents(path) == before)
    }
}
