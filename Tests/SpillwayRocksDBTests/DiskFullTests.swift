import Glibc
import Spillway
import Synchronization
import Testing

@testable import SpillwayRocksDB

/// Writes are refused before the disk is full, nothing is half written, and they go on when there is room.
@Suite struct DiskFullTests {
    @Test func sendsAreRefusedBelowTheReserveAndGoOnAbove() async throws {
        let free = Free(1 << 30)
        var database = Database.Configuration()
        database.reserveBytes = 100 << 20
        database.freeBytes = { _ in free.bytes }
        let fixture = try BrokerFixture(database: database)
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        _ = try await fixture.broker.send(Message(value: [1]), to: "t")
        free.set(99 << 20)
        try await refused(fixture)
        let error = await #expect(throws: BrokerError.self) {
            try await fixture.broker.send([Message(value: [2]), Message(value: [3])], to: "t")
        }
        #expect(error?.code == .storageFull)
        #expect(error?.isRetriable == true)
        // Projections go on down to half of the reserve.
        let family = try fixture.database.family("system")
        let batch = WriteBatch()
        batch.put(family, [1], [1])
        try fixture.database.write(batch)
        free.set(49 << 20)
        let full = await #expect(throws: DatabaseError.self) {
            let deadline = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < deadline {
                try fixture.database.write(batch)
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        #expect(full?.code == .noSpace)
        free.set(1 << 30)
        let receipt = try await accepted(fixture)
        #expect(receipt.position?.low == 2)
        try await fixture.close()
    }

    /// At half of the reserve projections wait too: what is in memory then still finds room.
    @Test(arguments: [[1 << 20, 128, 512], [4_000, 64, 400], [1_000, 128, 256], [1 << 20, 4_096, 8_192]])
    func theReserveFollowsTheDiskAndTheMemtables(megabytes: [Int]) {
        let bytes = megabytes.map { $0 << 20 }
        #expect(DiskReserve.standard(diskBytes: bytes[0], memtableBytes: bytes[1]) == bytes[2])
    }

    /// The free space is looked at every few milliseconds.
    func refused(_ fixture: BrokerFixture) async throws {
        let deadline = ContinuousClock.now + .seconds(10)
        while fixture.database.reserve.level == .normal {
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    func accepted(_ fixture: BrokerFixture) async throws -> SendReceipt {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do { return try await fixture.broker.send(Message(value: [4]), to: "t") } catch let error as BrokerError {
                try #require(error.code == .storageFull && ContinuousClock.now < deadline)
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    @Test(.enabled(if: getuid() == 0, "mounting needs root"))
    func aSmallDiskFillsUpWithoutHarm() async throws {
        let directory = TemporaryDirectory()
        guard mount("none", directory.path, "tmpfs", 0, "size=96m") == 0 else { return }
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        var configuration = Database.Configuration()
        configuration.memtableBytes = 8 << 20
        configuration.writeAheadLogBytes = 16 << 20
        configuration.reserveBytes = 40 << 20
        let database = try Database.open(directory("data"), configuration)
        let broker = try EmbeddedBroker(database)
        _ = try await broker.ensureTopic("t", partitions: 1)
        var sent = 0
        var refusal: BrokerError?
        while refusal == nil, sent < 100_000 {
            let value = (0..<512).flatMap { _ in withUnsafeBytes(of: UInt64.random(in: 0 ... .max), Array.init) }
            do {
                _ = try await broker.send(Message(value: value), to: "t")
                sent += 1
            } catch { refusal = error as? BrokerError }
        }
        #expect(refusal?.code == .storageFull)
        #expect(sent > 1_000)
        let seen = Seen()
        try await broker.replay("t", from: [0: .start]) { seen.add($0.records.count) }
        #expect(seen.count == sent)
        await broker.close()
        try database.close()
    }

    /// Without a witness, damage to what was acknowledged last would pass for what was never synced.
    @Test func theWitnessBehindTheLastSendComesOnceThereIsRoom() async throws {
        let free = Free(1 << 30)
        var configuration = Database.Configuration()
        configuration.reserveBytes = 100 << 20
        configuration.freeBytes = { _ in free.bytes }
        var brokerConfiguration = EmbeddedBroker.Configuration()
        brokerConfiguration.idleSyncDelay = .milliseconds(500)
        let fixture = try BrokerFixture(brokerConfiguration, database: configuration)
        let database = fixture.database
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        _ = try await fixture.broker.send(Message(value: [1]), to: "t")
        free.set(99 << 20)
        try await refused(fixture)
        // What projections write is synced all the same.
        let batch = WriteBatch()
        batch.put(try database.family("system"), [1], [1])
        try database.write(batch)
        try await eventually("it is synced") { !database.hasUnsynced }
        func witnessed() throws -> UInt64 { try WriteAheadLogScan(database: database.path + "/db").witnessed }
        #expect(try witnessed() < database.durableSequence)
        free.set(1 << 30)
        try await eventually("there is a witness") { try witnessed() == database.durableSequence }
        try await fixture.close()
    }

    /// RocksDB recovers by itself from a flush that found no room; the sync that the log's writer makes when nobody
    /// sends meets the failure too, and is not to end the log over it.
    @Test(.enabled(if: getuid() == 0, "mounting needs root"))
    func aFlushWithoutRoomIsForgottenOnceThereIsRoom() async throws {
        let directory = TemporaryDirectory()
        guard mount("none", directory.path, "tmpfs", 0, "size=96m") == 0 else { return }
        defer { umount2(directory.path, Int32(MNT_DETACH)) }
        var configuration = Database.Configuration()
        configuration.memtableBytes = 32 << 20
        configuration.freeBytes = { _ in .max }
        let database = try Database.open(directory("data"), configuration)
        var brokerConfiguration = EmbeddedBroker.Configuration()
        brokerConfiguration.idleSyncDelay = .seconds(1)
        let broker = try EmbeddedBroker(database, configuration: brokerConfiguration)
        _ = try await broker.ensureTopic("t", partitions: 1)
        for _ in 0..<16 {
            let value = (0..<65_536).flatMap { _ in withUnsafeBytes(of: UInt64.random(in: 0 ... .max), Array.init) }
            _ = try await broker.send(Message(value: value), to: "t")
        }
        try fill(directory("filler"), leaving: 3 << 20)
        #expect(throws: DatabaseError.self) { try database.flush(try database.family("log.t")) }
        #expect(database.backgroundFailure?.code == .noSpace)
        let refusal = await #expect(throws: BrokerError.self) {
            try await broker.send(Message(value: [1]), to: "t")
        }
        #expect(refusal?.code == .storageFull)
        // Behind the delay, so that a sync has been tried.
        try await Task.sleep(for: .seconds(3))
        #expect(database.backgroundFailure != nil)
        unlink(directory("filler"))
        try await eventually("RocksDB has recovered") { database.backgroundFailure == nil }
        _ = try await broker.send(Message(value: [2]), to: "t")
        await broker.close()
        try database.close()
    }

    /// Makes a file that leaves so many bytes free.
    func fill(_ path: String, leaving bytes: Int) throws {
        let file = open(path, O_WRONLY | O_CREAT, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        var status = statvfs()
        try #require(fstatvfs(file, &status) == 0)
        let size = Int(status.f_bavail) * Int(status.f_frsize) - bytes
        try #require(size > 0 && posix_fallocate(file, 0, size) == 0)
    }
}

private final class Free: Sendable {
    private let state: Mutex<Int64>
    init(_ bytes: Int64) { state = Mutex(bytes) }
    var bytes: Int64 { state.withLock { $0 } }
    func set(_ bytes: Int64) { state.withLock { $0 = bytes } }
}
