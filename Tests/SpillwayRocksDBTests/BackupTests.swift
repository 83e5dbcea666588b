import FoundationEssentials
import Glibc
import Spillway
import Testing

@testable import SpillwayRocksDB

/// A copy is consistent, opens, and is a new epoch.
@Suite struct BackupTests {
    @Test func aCopyMadeInUseIsRestoredWithNewEpochs() async throws {
        let fixture = try BrokerFixture()
        let broker = fixture.broker
        try Data("secret".utf8).write(to: URL(filePath: fixture.directory("data/key")))
        _ = try await broker.ensureTopic("t", partitions: 1)
        for number in 0..<20 { _ = try await broker.send(Message(value: bytes("\(number)")), to: "t") }
        try KeyValueStore(fixture.database).put("name", [1, 2])
        let copy = fixture.directory("copy")
        try fixture.database.checkpoint(to: copy)
        let later = try await broker.send(Message(value: bytes("after the copy")), to: "t")
        let again = #expect(throws: DatabaseError.self) { try fixture.database.checkpoint(to: copy) }
        #expect(again?.code == .foreignDirectory)
        let (store, log) = (fixture.database.storeEpoch, fixture.database.logEpoch)
        let restored = fixture.directory("restored")
        try Database.restore(from: copy, to: restored)
        #expect(try Data(contentsOf: URL(filePath: restored + "/key")) == Data("secret".utf8))
        let database = try Database.open(restored)
        #expect(database.storeEpoch > store)
        #expect(database.logEpoch > log)
        #expect(try KeyValueStore(database).get("name") == [1, 2])
        let second = try EmbeddedBroker(database)
        let end = try await second.endPositions(of: "t").values.first
        #expect(end == Position(high: database.logEpoch, low: 21))
        // The same sequence is another position here than in the log that went on.
        let next = try await second.send(Message(value: nil), to: "t")
        #expect(next.position?.low == later.position?.low)
        #expect(next.position != later.position)
        let seen = Seen()
        // What the other log gave out after the copy names a place behind all that was copied.
        try await second.replay("t", from: [0: later.position!]) { seen.add($0.records.count) }
        #expect(seen.count == 1)
        await second.close()
        try database.close()
        try await fixture.close()
    }

    /// Who writes a slash behind the name means no other directory.
    @Test(arguments: ["copy", "copy/", "copy//", "above/copy//"])
    func aCopyIsItsOwnersOnly(name: String) throws {
        let directory = TemporaryDirectory()
        let database = try Database.open(directory("data//"))
        try database.checkpoint(to: directory(name))
        try database.close()
        try Database.restore(from: directory(name), to: directory("restored//"))
        for path in ["data", name, "restored"] {
            var status = stat()
            #expect(stat(directory(path), &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700, "\(path)")
        }
    }

    @Test func slashesAtTheEndOfAPathAreTakenOff() {
        let paths = ["/": "/", "//": "/", "": "", "a": "a", "a/": "a", "/a/b//": "/a/b", "a//b": "a//b"]
        for (path, wanted) in paths { #expect(FileSystem.withoutSlashes(path) == wanted) }
    }

    /// What a kill leaves after all is copied: `FORMAT` is there, the new epoch is not.
    @Test(arguments: [true, false])
    func aRestoreThatWasCutOffIsRefused(hasFormat: Bool) throws {
        let directory = TemporaryDirectory()
        try Database.open(directory("data")).close()
        let target = directory("restored")
        try Database.restore(from: directory("data"), to: target)
        #expect(!FileManager.default.fileExists(atPath: target + "/UNFINISHED"))
        try UnfinishedWork.restore.mark(target)
        if !hasFormat { try FileManager.default.removeItem(atPath: target + "/FORMAT") }
        let before = try FileManager.default.subpathsOfDirectory(atPath: target).sorted()
        let attempts: [() throws -> Void] = [
            { _ = try Database.open(target) },
            { _ = try Database.recover(target, acceptLoss: true) },
            { try Database.restore(from: target, to: directory("second")) },
        ]
        for attempt in attempts {
            let error = #expect(throws: DatabaseError.self) { try attempt() }
            #expect(error?.code == .foreignDirectory)
            #expect(error?.message.contains("a restore into \(target) was cut off: remove the directory") == true)
        }
        #expect(try FileManager.default.subpathsOfDirectory(atPath: target).sorted() == before)
        #expect(!FileManager.default.fileExists(atPath: directory("second")))
    }

    @Test func aMarkThatSaysNothingIsRefused() throws {
        let directory = TemporaryDirectory()
        try Database.open(directory("data")).close()
        for text in ["", "recover", "recover ../data", "nothing"] {
            try Data(text.utf8).write(to: URL(filePath: directory("data/UNFINISHED")))
            let error = #expect(throws: DatabaseError.self) { try Database.open(directory("data")) }
            #expect(error?.code == .corruption)
        }
    }

    /// The mark stands before what it guards, and goes behind it.
    @Test func whatARestoreFailsAtLeavesTheMark() throws {
        let directory = TemporaryDirectory()
        try Database.open(directory("data")).close()
        try Data("nonsense".utf8).write(to: URL(filePath: directory("data/db/CURRENT")))
        let target = directory("restored")
        #expect(throws: DatabaseError.self) { try Database.restore(from: directory("data"), to: target) }
        #expect(FileManager.default.fileExists(atPath: target + "/FORMAT"))
        let error = #expect(throws: DatabaseError.self) { try Database.open(target) }
        #expect(error?.code == .foreignDirectory)
    }

    @Test func aDirectoryInUseIsNotRestoredFrom() throws {
        let fixture = try BrokerFixture()
        let error = #expect(throws: DatabaseError.self) {
            try Database.restore(from: fixture.directory("data"), to: fixture.directory("other"))
        }
        #expect(error?.code == .inUse)
        let none = #expect(throws: DatabaseError.self) {
            try Database.restore(from: fixture.directory("nowhere"), to: fixture.directory("other"))
        }
        #expect(none?.code == .notFound)
    }
}
