import FoundationEssentials
import Glibc
import Spillway
import Synchronization
import Testing

@testable import SpillwayRocksDB

/// What a crash leaves of the write-ahead log, and what damage does to it.
@Suite struct DamagedLogTests {
    let directory = TemporaryDirectory()

    /// Sends so many records and copies the directory as a crash would leave it.
    ///
    /// - Parameter later: so many more are sent after a table was made of some row, which begins another log file.
    func crash(_ count: Int, later: Int = 0, unsynced: Int = 0, idle: Bool = true) async throws -> String {
        var configuration = Database.Configuration()
        configuration.families = [.init(name: "rows")]
        let database = try Database.open(directory("data"), configuration)
        var brokerConfiguration = EmbeddedBroker.Configuration()
        brokerConfiguration.idleSyncDelay = .milliseconds(idle ? 20 : 3_600_000)
        let broker = try EmbeddedBroker(database, configuration: brokerConfiguration)
        _ = try await broker.ensureTopic("t", partitions: 1)
        for number in 0..<count {
            _ = try await broker.send(Message(value: Array("value \(number)".utf8)), to: "t")
        }
        if idle { try await waitForWitness() }
        let rows = try database.family("rows")
        if later > 0 {
            let batch = WriteBatch()
            batch.put(rows, Array("in a table".utf8), [7])
            try database.write(batch)
            try database.flush(rows)
            for number in count..<(count + later) {
                _ = try await broker.send(Message(value: Array("value \(number)".utf8)), to: "t")
            }
            try await waitForWitness()
        }
        for number in 0..<unsynced {
            let batch = WriteBatch()
            batch.put(rows, Array("\(number)".utf8), [UInt8](repeating: 7, count: 500))
            try database.write(batch)
        }
        copyDirectory()
        await broker.close()
        try database.close()
        return directory("crashed")
    }

    /// The witness of the idle sync makes the log grow once more.
    private func waitForWitness() async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        let size = try logSize("data")
        while try logSize("data") == size, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func copyDirectory() {
        try? FileManager.default.removeItem(atPath: directory("crashed"))
        try? FileManager.default.copyItem(atPath: directory("data"), toPath: directory("crashed"))
        unlink(directory("crashed/LOCK"))
    }

    func logFile(_ name: String) throws -> String {
        let path = directory(name) + "/db"
        let logs = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".log") }
        return path + "/" + (logs.sorted().last ?? "")
    }

    /// The log without the zeros in front of it, but for eight: it ends with a witness, the last bytes of which are zeros.
    func log(_ name: String) throws -> [UInt8] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: logFile(name))))
        var end = bytes.count
        // By the page: byte by byte it takes longer than the sync that is waited for.
        let page = [UInt8](repeating: 0, count: 4_096)
        while end >= 4_096, memcmp(Array(bytes[(end - 4_096)..<end]), page, 4_096) == 0 { end -= 4_096 }
        while end > 0, bytes[end - 1] == 0 { end -= 1 }
        return Array(bytes.prefix(end + 8))
    }

    func logSize(_ name: String) throws -> Int { try log(name).count }

    func edit(_ body: (inout [UInt8]) throws -> Void) throws {
        var bytes = try log("crashed")
        try body(&bytes)
        try Data(bytes).write(to: URL(filePath: logFile("crashed")))
    }

    /// Where a record's value stands in the log.
    func find(_ text: String, in bytes: [UInt8]) throws -> Int {
        try #require(bytes.firstRange(of: Array(text.utf8))).lowerBound
    }

    func values(_ path: String) async throws -> [String] {
        let database = try Database.open(path)
        let broker = try EmbeddedBroker(database)
        let values = Values()
        try await broker.replay("t", from: [0: .start]) { batch in
            values.add(batch.records.map { String(decoding: $0.value ?? [], as: UTF8.self) })
        }
        await broker.close()
        try database.close()
        return values.all
    }

    @Test func aCrashLosesNothingAndIsANewEpoch() async throws {
        let path = try await crash(100, unsynced: 3)
        let (store, log) = try epochs(directory("data"))
        let database = try Database.open(path)
        #expect(!database.wasCleanShutdown)
        #expect(database.storeEpoch > store)
        #expect(database.logEpoch == log)
        try database.close()
        #expect(try await values(path) == (0..<100).map { "value \($0)" })
    }

    func epochs(_ path: String) throws -> (UInt64, UInt64) {
        let database = try Database.open(path)
        defer { try? database.close() }
        #expect(database.wasCleanShutdown)
        return (database.storeEpoch, database.logEpoch)
    }

    @Test(arguments: [0, 50, 99])
    func aFlippedBitInWhatWasSyncedIsRefused(_ number: Int) async throws {
        let path = try await crash(100)
        try edit { bytes in bytes[try find("value \(number)", in: bytes)] ^= 1 }
        let before = try contents(path)
        let error = #expect(throws: DatabaseError.self) { try Database.open(path) }
        #expect(error?.code == .damagedLog)
        #expect(error?.message.contains("spillway recover") == true)
        #expect(try contents(path) == before)
    }

    @Test func aFlippedBitInTheLengthOfTheLastAcknowledgedRecordIsRefused() async throws {
        let path = try await crash(100)
        try edit { bytes in
            // The header of the record stands before the batch's own: 7 bytes, 12 bytes, tag, family, key, value.
            let value = try find("value 99", in: bytes)
            let header = try #require(((value - 100)..<value).last { bytes[$0 + 6] == 1 && length(bytes, $0) > 60 })
            bytes[header + 5] ^= 0x40
        }
        let error = #expect(throws: DatabaseError.self) { try Database.open(path) }
        #expect(error?.code == .damagedLog)
    }

    func length(_ bytes: [UInt8], _ at: Int) -> Int { Int(bytes[at + 4]) | Int(bytes[at + 5]) << 8 }

    /// Every file but the lock, with its bytes.
    func contents(_ path: String) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: path) where name != "LOCK" {
            contents[name] = (try? Data(contentsOf: URL(filePath: path + "/" + name))) ?? Data()
        }
        return contents
    }

    @Test func aPageOfZerosInWhatWasNeverSyncedOpens() async throws {
        let path = try await crash(100, unsynced: 60)
        try edit { bytes in
            // Whole pages behind the last acknowledged record, with good ones behind them.
            let start = (bytes.count - 20_000 + 4_095) / 4_096 * 4_096
            let last = try find("value 99", in: bytes)
            #expect(start > last + 200)
            for index in start..<(start + 4_096) { bytes[index] = 0 }
        }
        #expect(try await values(path) == (0..<100).map { "value \($0)" })
    }

    @Test func aTornEndOpens() async throws {
        let path = try await crash(100, unsynced: 5)
        try edit { bytes in bytes.removeLast(200) }
        #expect(try await values(path) == (0..<100).map { "value \($0)" })
    }

    @Test func acceptedLossKeepsAllButTheDamage() async throws {
        let path = try await crash(100, unsynced: 5)
        try edit { bytes in bytes[try find("value 50", in: bytes)] ^= 1 }
        let report = try Database.recover(path, acceptLoss: false)
        #expect(!report.isIntact)
        #expect(report.batchesBehind >= 49)
        #expect(throws: DatabaseError.self) { try Database.open(path) }
        let accepted = try Database.recover(path, acceptLoss: true)
        #expect(accepted.salvagedEntries == 49)
        let kept = try #require(accepted.keptFiles)
        #expect(try FileManager.default.contentsOfDirectory(atPath: kept).isEmpty == false)
        let (_, log) = try epochs(directory("data"))
        let database = try Database.open(path)
        #expect(database.logEpoch > log)
        try database.close()
        #expect(try await values(path) == (0..<100).filter { $0 != 50 }.map { "value \($0)" })
        #expect(try Database.recover(path, acceptLoss: false).isIntact)
        #expect(access(path + "/UNFINISHED", F_OK) != 0)
    }

    private struct CutOff: Error {}

    /// Accepts the loss of record 50, and ends where RocksDB has dropped the log behind it and nothing is back yet.
    func cutOffRecovery() async throws -> String {
        let path = try await crash(100, unsynced: 5)
        try edit { bytes in bytes[try find("value 50", in: bytes)] ^= 1 }
        #expect(throws: CutOff.self) {
            try Database.recover(path, acceptLoss: true, Database.Configuration()) { _, behind in
                #expect(behind.count >= 49)
                throw CutOff()
            }
        }
        return path
    }

    @Test func aRecoveryThatWasCutOffGoesOnWithWhatItKept() async throws {
        let path = try await cutOffRecovery()
        let refusal = #expect(throws: DatabaseError.self) { try Database.open(path) }
        #expect(refusal?.code == .damagedLog)
        #expect(refusal?.message.contains("spillway recover --data \(path) --accept-loss") == true)
        let copied = #expect(throws: DatabaseError.self) {
            try Database.restore(from: path, to: directory("restored"))
        }
        #expect(copied?.code == .damagedLog)
        let report = try Database.recover(path, acceptLoss: false)
        #expect(!report.isIntact)
        #expect(report.description.contains("cut off"))
        #expect(throws: DatabaseError.self) { try Database.open(path) }
        let accepted = try Database.recover(path, acceptLoss: true)
        #expect(accepted.salvagedEntries == 49)
        #expect(try keptDirectories(path) == [try #require(accepted.keptFiles)])
        #expect(try await values(path) == (0..<100).filter { $0 != 50 }.map { "value \($0)" })
        #expect(try Database.recover(path, acceptLoss: false).isIntact)
    }

    func keptDirectories(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasPrefix("damaged-") }.map {
            path + "/" + $0
        }
    }

    @Test func aRecoveryDoesNotGoOnWithoutWhatItKept() async throws {
        let path = try await cutOffRecovery()
        let kept = try #require(try keptDirectories(path).first)
        try FileManager.default.moveItem(atPath: kept, toPath: directory("elsewhere"))
        let error = #expect(throws: DatabaseError.self) { try Database.recover(path, acceptLoss: true) }
        #expect(error?.code == .damagedLog)
        #expect(error?.message.contains(kept) == true)
        try FileManager.default.moveItem(atPath: directory("elsewhere"), toPath: kept)
        #expect(try Database.recover(path, acceptLoss: true).salvagedEntries == 49)
    }

    @Test func aRecoveryMayUseTheReserve() async throws {
        let path = try await crash(100)
        try edit { bytes in bytes[try find("value 50", in: bytes)] ^= 1 }
        var configuration = Database.Configuration()
        configuration.freeBytes = { _ in 0 }
        #expect(try Database.recover(path, acceptLoss: true, configuration).salvagedEntries == 49)
        #expect(try await values(path) == (0..<100).filter { $0 != 50 }.map { "value \($0)" })
    }

    /// The error tells to recover the copy that was given: half of one can't be.
    @Test func aDamagedCopyIsNotRestored() async throws {
        let path = try await crash(100)
        try edit { bytes in bytes[try find("value 50", in: bytes)] ^= 1 }
        let target = directory("restored")
        let error = #expect(throws: DatabaseError.self) { try Database.restore(from: path, to: target) }
        #expect(error?.code == .damagedLog)
        #expect(error?.message.contains("--data \(path)`") == true)
        let attempts: [() throws -> Void] = [
            { _ = try Database.open(target) }, { _ = try Database.recover(target, acceptLoss: true) },
        ]
        for attempt in attempts {
            let refusal = #expect(throws: DatabaseError.self) { try attempt() }
            #expect(refusal?.code == .foreignDirectory)
            #expect(refusal?.message.contains("restore") == true)
        }
    }
}

private final class Values: Sendable {
    private let state = Mutex<[String]>([])
    var all: [String] { state.withLock { $0 } }
    func add(_ more: [String]) { state.withLock { $0 += more } }
}
