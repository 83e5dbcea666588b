import FoundationEssentials
import Reactions
import Spillway
import SpillwayRocksDB
import Testing

@testable import ReactionsRocksDB

/// What can't be read is never repaired from, and nothing behind it is taken for missing.
@Suite struct AuditDamageTests {
    private static let targets = 1_500
    private static let voters = 4

    private func event(_ user: Int, _ target: Int) -> ReactionEvent {
        ReactionEvent(
            targetID: "target-\(target)", targetType: "video", userID: "user-\(user)", reaction: .like,
            version: UInt64(target * Self.voters + user + 1) << 16)
    }

    private func filled() throws -> TemporaryStore {
        let temporary = try TemporaryStore(partitions: 1)
        let events = (0..<Self.targets).flatMap { target in (0..<Self.voters).map { event($0, target) } }
        try temporary.apply(events, from: 1)
        return temporary
    }

    private func rowKey(_ store: RocksReactionStore, _ user: Int, _ target: Int) throws -> [UInt8] {
        let number = try #require(try store.targets(["target-\(target)"], tier: .disk)?.first?.number)
        let user = try #require(try store.users.number(of: "user-\(user)", tier: .disk) ?? nil)
        return Numbers.bytes(number) + Numbers.bytes(user)
    }

    private func putLikes(_ likes: Int64, of target: Int, _ store: RocksReactionStore) throws {
        var value = try #require(try store.targets(["target-\(target)"], tier: .disk)?.first)
        value.counts.likes = likes
        var bytes: [UInt8] = []
        RowCoding.append(value, to: &bytes)
        let batch = WriteBatch()
        batch.put(store.families.targets, Array("target-\(target)".utf8), bytes)
        try store.database.write(batch)
    }

    private func likes(_ store: RocksReactionStore, _ target: Int) throws -> Int64? {
        try store.targets(["target-\(target)"], tier: .disk)?.first?.counts.likes
    }

    @Test func aRepairLeavesTheTargetOfAnUnreadableRowAloneAndStepsOverTheRow() throws {
        let temporary = try filled()
        let store = temporary.store
        let damaged = 700
        let batch = WriteBatch()
        batch.put(store.families.rows, try rowKey(store, 1, damaged), [1])
        try store.database.write(batch)
        // Right or wrong, the counts of the damaged target are nothing that its other rows could say.
        try putLikes(7, of: damaged, store)
        // Others are repaired, before and behind it.
        try putLikes(9, of: 3, store)
        try putLikes(9, of: damaged + 1, store)
        for repairs in [false, true] {
            var audit = ReactionAudit(store, repairs: repairs)
            let report = try audit.run()
            #expect(report.damaged == 1)
            #expect(report.drift == 3, "\(report.findings)")
            #expect(report.repaired == (repairs ? 2 : 0))
            #expect(report.targets == Self.targets)
            #expect(report.reactions == Self.targets * Self.voters - 1)
            #expect(report.findings.contains { $0.contains("target-\(damaged) can't be read") })
        }
        for target in 0..<Self.targets {
            #expect(try likes(store, target) == (target == damaged ? 7 : Int64(Self.voters)))
        }
        // The lists still hold the vote whose row can't be read.
        let voters = try store.voters(of: "target-\(damaged)", reaction: .like, after: .first, limit: 10)
        #expect(voters.count == Self.voters)
        let mine = try store.reactions(of: "user-1", reaction: .like, after: .first, limit: Self.targets + 1)
        #expect(mine.count == Self.targets)
        var again = ReactionAudit(store, repairs: false)
        #expect(try again.run().drift == 1)
    }

    @Test func aNameThatCanNotBeReadIsNoTargetWithoutRows() throws {
        let temporary = try filled()
        let store = temporary.store
        let number = try #require(try store.targets(["target-5"], tier: .disk)?.first?.number)
        let batch = WriteBatch()
        batch.put(store.families.targetNames, Numbers.bytes(number), [0xFF])
        batch.put(store.families.targetNames, [1, 2], Array("target-6".utf8))
        try store.database.write(batch)
        var repair = ReactionAudit(store, repairs: true)
        let report = try repair.run()
        #expect(report.damaged == 2)
        #expect(report.repaired == 0, "\(report.findings)")
        for target in 0..<Self.targets { #expect(try likes(store, target) == Int64(Self.voters)) }
    }

    @Test func entriesOfListsThatCanNotBeReadAreDroppedAndHideNothing() throws {
        let temporary = try filled()
        let store = temporary.store
        let number = try #require(try store.targets(["target-5"], tier: .disk)?.first?.number)
        let batch = WriteBatch()
        batch.put(store.families.voters, Numbers.bytes(number) + [9], [])
        batch.put(store.families.byUser, Numbers.bytes(1) + [9], [])
        try store.database.write(batch)
        var repair = ReactionAudit(store, repairs: true)
        let report = try repair.run()
        #expect(report.drift == 2, "\(report.findings)")
        #expect(report.repaired == 2)
        var again = ReactionAudit(store, repairs: false)
        #expect(try again.run().drift == 0)
    }

    @Test func aRepairMakesANewEpochAlsoIfItThrowsBehindWhatItWrote() throws {
        let temporary = try TemporaryStore(partitions: 1)
        try temporary.apply([event(1, 1)], from: 1)
        try temporary.reopen()
        let epoch = temporary.store.epoch
        var audit = ReactionAudit(temporary.store, repairs: true)
        #expect(try audit.run().drift == 0)
        try temporary.reopen()
        #expect(temporary.store.epoch == epoch)

        let store = temporary.store
        try putLikes(9, of: 1, store)
        let meta = AppliedOffset.key(.target, partition: 0)
        let offset = try #require(try store.database.get(store.families.meta, meta))
        let batch = WriteBatch()
        batch.put(store.families.byUser, Numbers.bytes(9) + [9], [])
        batch.put(store.families.meta, meta, [1])
        try store.database.write(batch)
        var repair = ReactionAudit(store, repairs: true)
        #expect(throws: ReactionStoreError.self) { _ = try repair.run() }
        #expect(try likes(store, 1) == 1)
        let mended = WriteBatch()
        mended.put(store.families.meta, meta, offset)
        try store.database.write(mended)
        try temporary.reopen()
        #expect(temporary.store.epoch > epoch)
    }

    /// A damaged block ends a walk as the family's end does, but for the iterator's status.
    @Test(arguments: ["rows", "voters", "by_user", "target_names"])
    func aBlockThatCanNotBeReadEndsTheRepairBeforeItTouchesWhatIsBehind(family: String) throws {
        let temporary = try filled()
        try temporary.reopen { try damageBlock(of: "reactions.\(family)", in: temporary.directory) }
        let store = temporary.store
        var repair = ReactionAudit(store, repairs: true)
        #expect(throws: DatabaseError.self) { _ = try repair.run() }
        for target in 0..<Self.targets { #expect(try likes(store, target) == Int64(Self.voters)) }
        if family != "voters" {
            #expect(
                try store.voters(of: "target-\(Self.targets - 1)", reaction: .like, after: .first, limit: 10).count
                    == Self.voters)
        }
        // The answer holds the targets' names.
        if family == "rows" || family == "voters" {
            #expect(
                try store.reactions(of: "user-1", reaction: .like, after: .first, limit: Self.targets + 1).count
                    == Self.targets)
        }
    }

    /// Changes a byte in the middle of the blocks of a family's only file.
    private func damageBlock(of family: String, in directory: String) throws {
        let files = FileManager.default
        let tables = try files.contentsOfDirectory(atPath: directory + "/db").filter { $0.hasSuffix(".sst") }
        var damaged = 0
        for table in tables {
            let path = directory + "/db/" + table
            var data = try Data(contentsOf: URL(filePath: path))
            // The properties at the end name the family; no other's name begins with the names here.
            guard [UInt8](data).firstRange(of: Array(family.utf8)) != nil else { continue }
            data[data.count * 2 / 5] ^= 0xFF
            try data.write(to: URL(filePath: path))
            damaged += 1
        }
        try #require(damaged == 1)
    }
}
