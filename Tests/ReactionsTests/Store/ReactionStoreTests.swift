import Reactions
import Spillway
import SpillwayCore
import SpillwayRocksDB
import SpillwayTesting
import Testing

@testable import ReactionsRocksDB

@Suite struct ReactionStoreTests {
    private func event(_ user: String, _ target: String, _ reaction: Reaction, version: UInt64) -> ReactionEvent {
        ReactionEvent(targetID: target, targetType: "video", userID: user, reaction: reaction, version: version)
    }

    @Test func theCachesOfAllPartitionsTogetherAreBounded() {
        for partitions in 1...256 {
            let limit = PartitionState.cachedTargets(partitions: partitions)
            #expect(limit >= 1_000)
            #expect(limit * partitions <= max(200_000, 1_000 * partitions))
        }
        #expect(PartitionState.cachedTargets(partitions: 4) == 50_000)
    }

    /// Everything that can be read against a dictionary, over thousands of random votes and some restarts.
    @Test func matchesADictionary() throws {
        let temporary = try TemporaryStore()
        var random = SeededRandom(seed: 11)
        var model: [String: [String: (Reaction, UInt64)]] = [:]
        var sequence: UInt64 = 1
        for round in 0..<40 {
            var events: [ReactionEvent] = []
            for _ in 0..<Int.random(in: 1...120, using: &random) {
                let user = "user-\(Int.random(in: 0..<20, using: &random))"
                let target = "target-\(Int.random(in: 0..<15, using: &random))"
                let reaction = Reaction.allCases[Int.random(in: 0...2, using: &random)]
                let version = (sequence + UInt64(events.count)) << 16
                events.append(event(user, target, reaction, version: version))
                model[target, default: [:]][user] = (reaction, version)
            }
            try temporary.apply(events, from: sequence)
            sequence += 5_000
            if round % 10 == 9 { try temporary.reopen() }
            try check(temporary.store, model)
        }
        var audit = ReactionAudit(temporary.store, repairs: false)
        let report = try audit.run()
        #expect(report.drift == 0, "\(report.findings)")
        #expect(report.targets == model.count)
        #expect(report.reactions == model.values.flatMap(\.values).count { $0.0 != .none })
    }

    private func check(_ store: RocksReactionStore, _ model: [String: [String: (Reaction, UInt64)]]) throws {
        let targets = model.keys.sorted()
        let values = try #require(try store.targets(targets + ["nobody-voted"], tier: .disk))
        for (target, value) in zip(targets, values) {
            let rows = model[target, default: [:]].values
            #expect(value.counts.likes == Int64(rows.count { $0.0 == .like }))
            #expect(value.counts.dislikes == Int64(rows.count { $0.0 == .dislike }))
            for reaction in [Reaction.like, .dislike] {
                let voters = try store.voters(of: target, reaction: reaction, after: .first, limit: 100).map(\.id)
                let wanted = model[target, default: [:]].filter { $0.value.0 == reaction }
                    .sorted { $0.value.1 > $1.value.1 }.map(\.key)
                #expect(voters == wanted)
            }
        }
        #expect(values.last?.number == 0)
        for number in 0..<20 {
            let user = "user-\(number)"
            let states = try #require(try store.callerStates(of: user, limit: 100, tier: .disk))
            let rows = try #require(try store.ownRows(of: user, targets: targets, tier: .disk))
            for (index, target) in targets.enumerated() {
                let wanted = model[target]?[user]?.0 ?? .none
                #expect(states.reaction(to: values[index].number) == wanted)
                #expect(rows[index].reaction == wanted)
            }
            let liked = try store.reactions(of: user, reaction: .like, after: .first, limit: 100).map(\.id)
            let wanted = targets.compactMap { target in model[target]?[user].map { (target, $0) } }
                .filter { $0.1.0 == .like }.sorted { $0.1.1 > $1.1.1 }.map(\.0)
            #expect(liked == wanted)
        }
    }

    /// A user gets a number with the first vote: whoever looks for it too early reads a count with the vote, without its row.
    @Test func aFirstVoteIsInTheRowAndInTheCountOrInNeither() async throws {
        let temporary = try TemporaryStore(partitions: 1)
        let store = temporary.store
        let threads = BlockingExecutor(name: "first-votes", threads: 2)
        defer { threads.shutdown() }
        for number in UInt64(1)...1_500 {
            let event = event("user-\(number)", "target-\(number)", .like, version: number)
            let batch = ProjectionBatch(
                partition: 0, from: number == 1 ? .start : Position(high: 1, low: number),
                next: Position(high: 1, low: number + 1),
                events: [PositionedEvent(position: Position(high: 1, low: number), event: event)])
            async let writing: Void = threads.run { _ = try store.apply(batch) }
            async let reading = threads.run { try Self.readsUntilApplied(event, in: store) }
            try await writing
            let torn = try await reading
            #expect(torn == 0)
        }
    }

    /// How many reads found the vote in one of both only.
    private static func readsUntilApplied(_ event: ReactionEvent, in store: RocksReactionStore) throws -> Int {
        var torn = 0
        while true {
            let rows = try store.ownRows(of: event.userID, targets: [event.targetID], tier: .disk)
            let row = try #require(rows?.first)
            if (row.reaction == .like) != (row.target.counts.likes == 1) { torn += 1 }
            if row.reaction == .like || torn > 0 { return torn }
        }
    }

    @Test func aBatchFromAnotherOffsetChangesNothing() throws {
        let temporary = try TemporaryStore(partitions: 1)
        let batch = ProjectionBatch(
            partition: 0, from: .start, next: Position(high: 1, low: 2),
            events: [
                PositionedEvent(position: Position(high: 1, low: 1), event: event("u", "t", .like, version: 1))
            ])
        _ = try temporary.store.apply(batch)
        #expect(throws: ReactionStoreError.self) { _ = try temporary.store.apply(batch) }
        #expect(try temporary.store.targets(["t"], tier: .disk)?.first?.counts.likes == 1)
    }

    /// Whoever was told that it is absent would take it for something old else.
    @Test func aTargetIsNewerThanItsAbsenceAlsoIfItsFirstVoteIsNone() throws {
        let temporary = try TemporaryStore(partitions: 1)
        func value(_ id: String) throws -> TargetValue {
            try #require(try temporary.store.targets([id], tier: .disk)?[0])
        }
        try temporary.apply([event("u", "a", .like, version: 1)], from: 7)
        let absent = try value("b").sequence
        try temporary.apply([event("u", "b", .none, version: 2)], from: 8)
        #expect(try absent == 7 && value("b").sequence == 8 && value("c").sequence == 8)
    }

    @Test func previousStatesAreKeptAndForgotten() throws {
        let temporary = try TemporaryStore(partitions: 1)
        var second = event("u", "t", .dislike, version: 2)
        second.keepsPrevious = true
        try temporary.apply([event("u", "t", .like, version: 1), second], from: 1)
        let position = Position(high: 1, low: 2)
        #expect(try temporary.store.previousState(partition: 0, position: position) == .like)
        #expect(try temporary.store.previousState(partition: 0, position: Position(high: 1, low: 1)) == nil)
        let marks = [1_000, 2_000].map { PreviousStateMark(atMs: $0, positions: [position.successor]) }
        for mark in marks { try temporary.store.mark(mark, forgetting: []) }
        #expect(try temporary.store.previousStateMarks() == marks)
        let third = PreviousStateMark(atMs: 3_000, positions: [position])
        try temporary.store.mark(third, forgetting: marks)
        #expect(try temporary.store.previousStateMarks() == [third])
        #expect(try temporary.store.previousState(partition: 0, position: position) == nil)
    }

    @Test func pagesContinueWithoutGapAlsoAtEqualVersions() throws {
        let temporary = try TemporaryStore(partitions: 1)
        try temporary.apply((0..<25).map { event("u\($0)", "t", .like, version: 7) }, from: 1)
        var seen: [String] = []
        var place = ListPlace.first
        while true {
            let page = try temporary.store.voters(of: "t", reaction: .like, after: place, limit: 4)
            guard let last = page.last else { break }
            seen += page.map(\.id)
            place = last.place
        }
        #expect(seen.count == 25)
        #expect(Set(seen).count == 25)
    }

    @Test func anotherNumberOfPartitionsIsRefused() throws {
        let temporary = try TemporaryStore(partitions: 2)
        #expect(throws: ReactionStoreError.self) {
            try RocksReactionStore(temporary.database, epoch: 1, partitions: 3, targetTypes: ["video"])
        }
    }

    @Test func auditFindsAndRepairsWrongCountsAndLists() throws {
        let temporary = try TemporaryStore(partitions: 1)
        try temporary.apply((0..<5).map { event("u\($0)", "t", .like, version: UInt64($0)) }, from: 1)
        let store = temporary.store
        let value = try #require(try store.targets(["t"], tier: .disk)?.first)
        let batch = WriteBatch()
        var bytes: [UInt8] = []
        RowCoding.append(
            TargetValue(number: value.number, counts: Counts(likes: 9, dislikes: 0), sequence: 1), to: &bytes)
        batch.put(store.families.targets, Array("t".utf8), bytes)
        for family in [store.families.voters, store.families.byUser] {
            let iterator = store.database.iterator(family)
            iterator.seekToFirst()
            batch.delete(family, iterator.key)
        }
        try store.database.write(batch)
        var audit = ReactionAudit(store, repairs: false)
        #expect(try audit.run().drift == 3)
        var repair = ReactionAudit(store, repairs: true)
        #expect(try repair.run().drift == 3)
        let after = try audit.run()
        #expect(after.drift == 0, "\(after.findings)")
        try temporary.reopen()
        #expect(try temporary.store.targets(["t"], tier: .disk)?.first?.counts.likes == 5)
    }

    @Test func anImportThatIsNotFinishedMakesANewEpoch() throws {
        let temporary = try TemporaryStore()
        try temporary.reopen()
        let epoch = temporary.store.epoch
        try temporary.reopen()
        #expect(temporary.store.epoch == epoch)
        let importer = ReactionImporter(into: temporary.store, targetTypes: ["video"]) { 1_000_000 }
        try importer.add(
            ImportedReaction(userID: "u", targetID: "t", targetType: "video", reaction: .like, atMs: 1_000))
        try importer.write()
        try temporary.reopen()
        #expect(temporary.store.epoch > epoch)
    }

    @Test func importIsSafeToRunAgainAndKeepsNewerRows() throws {
        let temporary = try TemporaryStore()
        try temporary.apply([event("u1", "t1", .dislike, version: VersionClock.version(atMs: 5_000))], from: 1)
        for _ in 0..<2 {
            let importer = ReactionImporter(into: temporary.store, targetTypes: ["video"]) { 1_000_000 }
            for (user, at) in [("u1", 4_000), ("u2", 4_000), ("u3", 6_000)] {
                try importer.add(
                    ImportedReaction(
                        userID: user, targetID: "t1", targetType: "video", reaction: .like, atMs: Int64(at)))
            }
            #expect(throws: ReactionsError.self) {
                try importer.add(
                    ImportedReaction(
                        userID: "u", targetID: "t", targetType: "video", reaction: .like, atMs: 2_000_000))
            }
            try importer.finish()
        }
        let value = try #require(try temporary.store.targets(["t1"], tier: .disk)?.first)
        #expect(value.counts == Counts(likes: 2, dislikes: 1))
    }
}
