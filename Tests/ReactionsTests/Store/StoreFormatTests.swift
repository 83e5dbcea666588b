import Reactions
import SpillwayRocksDB
import Testing

@testable import ReactionsRocksDB

/// What a program does with a store of another format.
@Suite struct StoreFormatTests {
    private static let versionKey = Array("format".utf8)

    private func version(_ temporary: TemporaryStore) throws -> UInt64? {
        let bytes = try temporary.database.get(ReactionFamilies(temporary.database).meta, Self.versionKey)
        return bytes.map { $0.reduce(0) { $0 << 8 | UInt64($1) } }
    }

    private func store(_ version: UInt64?, in temporary: TemporaryStore) throws {
        let families = try ReactionFamilies(temporary.database)
        let batch = WriteBatch()
        if let version {
            var bytes: [UInt8] = []
            Numbers.append(fixed: version, to: &bytes)
            batch.put(families.meta, Self.versionKey, bytes)
        } else {
            batch.delete(families.meta, Self.versionKey)
        }
        try temporary.database.write(batch, sync: true)
    }

    private func liked(_ temporary: TemporaryStore) throws -> Int64? {
        try temporary.store.targets(["t"], tier: .disk)?.first?.counts.likes
    }

    private func withOneLike() throws -> TemporaryStore {
        let temporary = try TemporaryStore()
        try temporary.apply(
            [ReactionEvent(targetID: "t", targetType: "video", userID: "u", reaction: .like, version: 1 << 16)], from: 1
        )
        return temporary
    }

    @Test(arguments: [nil, 0] as [UInt64?])
    func anOlderStoreIsBroughtToThisFormatAndKeepsItsRows(_ older: UInt64?) throws {
        let temporary = try withOneLike()
        #expect(try version(temporary) == RocksReactionStore.formatVersion)
        try store(older, in: temporary)
        try temporary.reopen()
        #expect(try version(temporary) == RocksReactionStore.formatVersion)
        #expect(try liked(temporary) == 1)
    }

    @Test(arguments: [RocksReactionStore.formatVersion + 1, .max])
    func aNewerStoreIsRefusedAndLeftAsItIs(_ newer: UInt64) throws {
        let temporary = try withOneLike()
        try store(newer, in: temporary)
        let sequence = temporary.database.latestSequence
        let error = #expect(throws: ReactionStoreError.self) {
            try RocksReactionStore(
                temporary.database, epoch: 1, partitions: temporary.partitions, targetTypes: ["video", "comment"])
        }
        #expect(error?.code == .newerFormat && error?.message.contains("\(newer)") == true)
        #expect(temporary.database.latestSequence == sequence)
    }

    @Test func stepsAreTakenInOrderEachWithItsVersion() throws {
        let temporary = try withOneLike()
        let families = try ReactionFamilies(temporary.database)
        let key = Array("made by a step".utf8)
        struct Trouble: Error {}
        let broken: [UInt64: StoreFormat.Upgrade] = [
            1: { _, families, batch in batch.put(families.meta, key, [1]) },
            2: { _, families, batch in
                batch.put(families.meta, key, [2])
                throw Trouble()
            },
        ]
        #expect(throws: Trouble.self) {
            try StoreFormat.check(temporary.database, families, partitions: 3, current: 3, upgrades: broken)
        }
        // The first step and its version are there, and nothing of the second.
        #expect(try version(temporary) == 2)
        #expect(try temporary.database.get(families.meta, key) == [1])
        var whole = broken
        whole[1] = { _, _, _ in Issue.record("a step is taken once") }
        whole[2] = { database, families, batch in
            let made = try database.get(families.meta, key)
            #expect(made == [1])
            batch.put(families.meta, key, [2])
        }
        try StoreFormat.check(temporary.database, families, partitions: 3, current: 3, upgrades: whole)
        #expect(try version(temporary) == 3)
        #expect(try temporary.database.get(families.meta, key) == [2])
    }

    @Test func aFormatFromWhichNoStepLeadsIsNamed() throws {
        let temporary = try withOneLike()
        let families = try ReactionFamilies(temporary.database)
        let error = #expect(throws: ReactionStoreError.self) {
            try StoreFormat.check(temporary.database, families, partitions: 3, current: 2, upgrades: [:])
        }
        #expect(error?.code == .damaged && error?.message.contains("format 1") == true)
        #expect(try version(temporary) == 1)
    }

    @Test func anotherNumberOfPartitionsIsRefused() throws {
        let temporary = try withOneLike()
        let error = #expect(throws: ReactionStoreError.self) {
            try StoreFormat.check(temporary.database, ReactionFamilies(temporary.database), partitions: 4)
        }
        #expect(error?.code == .partitionsDiffer && error?.message.contains("made with 3") == true)
    }
}
