import FoundationEssentials
import Spillway
import SpillwayCore
import SpillwayTesting
import Testing

@testable import SpillwayRocksDB

/// The rows of delayed entries: how many there are, when they go, and what an earlier version left.
@Suite struct SideQueueRowsTests {
    let homes = FailureHomes()
    let partition = recordName(0).partition

    /// How many rows of a kind a family has.
    private func rows(_ store: RocksFailureStore, _ kind: Character, in family: ColumnFamily? = nil) throws -> Int {
        var count = 0
        try store.tables.database.forEachRow(family ?? store.tables.side, prefix: Array(String(kind).utf8)) { _, _ in
            count += 1
        }
        return count
    }

    private func format(_ directory: TemporaryDirectory) throws -> String {
        String(decoding: try FileSystem.read(directory("data/FORMAT")), as: UTF8.self)
    }

    @Test func entriesThatArePutTogetherShareRows() async throws {
        let store = try homes.open()
        try await store.apply((0..<320).map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
        #expect(try rows(store, "b") == 10)
        #expect(try rows(store, "n", in: store.tables.names) == 0)
        // Not what is due at another time, nor what is long.
        try await store.apply((400..<405).map { .put(sideEntry(recordName($0), dueMs: Int64($0) * 100_000)) })
        #expect(try rows(store, "b") == 15)
        // A second between each and the next: the first few share a row, and then nobody who is due so late.
        try await store.apply((420..<440).map { .put(sideEntry(recordName($0), dueMs: Int64($0) * 1_000)) })
        #expect(try rows(store, "b") == 17)
        var long = sideEntry(recordName(500))
        long.record = Record(
            key: nil, value: Array(repeating: 1, count: 20_000), position: long.name.position, timestampMs: 0)
        try await store.apply([.put(sideEntry(recordName(501))), .put(long), .put(sideEntry(recordName(502)))])
        #expect(try rows(store, "b") == 19)
        let found = try await store.delayedEntries(group: "g", partition: partition, dueByMs: 0, limit: 10)
        #expect(found.map(\.name.position.low) == [0, 500, 501, 502])
        #expect(found[1].record.value?.count == 20_000)
        try homes.closeAll()
    }

    @Test func rowsGoWithTheirLastEntry() async throws {
        var store = try homes.open()
        try await store.apply((0..<320).map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
        try await store.apply((0..<300).map { .remove(recordName($0)) })
        #expect(try rows(store, "b") == 1)
        #expect(try rows(store, "r") == 1)
        store = try homes.reopen(store)
        #expect(try await store.delayedLows() == Array(300..<320))
        try await store.apply((300..<319).map { .remove(recordName($0)) })
        #expect(try rows(store, "r") == 2)
        // It takes the place of itself.
        try await store.apply([.put(sideEntry(recordName(319), dueMs: 5))])
        #expect(try rows(store, "b") == 1)
        #expect(try rows(store, "r") == 0)
        #expect(try await store.delayedLows() == [319])
        try await store.apply([.remove(recordName(319))])
        #expect(try rows(store, "b") == 0)
        #expect(try rows(store, "r") == 0)
        try homes.closeAll()
    }

    /// A process that ends before it deletes what nothing needs any more.
    @Test func rowsThatNothingNeedsGoAtTheNextStart() async throws {
        let store = try homes.open()
        try await store.apply((0..<64).map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
        let database = try #require(homes.database(store))
        // As a removal of the first block's entries leaves it, and one of a block that went long ago.
        let place = store.tables.index.place(FailureKeys.partition(FailureKeys.name, "g", partition))
        let items = place.withIndex { $0.due(byMs: 31, limit: 32) }
        let batch = WriteBatch()
        batch.put(
            store.tables.side, SideRemovals.key(90),
            SideRemovals.value(items.map { SideRemovals.Entry(block: $0.block, start: $0.start) }))
        batch.put(
            store.tables.side, SideRemovals.key(91), SideRemovals.value([SideRemovals.Entry(block: 99, start: 3)]))
        try database.write(batch)
        let again = try homes.reopen(store)
        #expect(try rows(again, "b") == 1)
        #expect(try rows(again, "r") == 0)
        #expect(try await again.delayedLows() == Array(32..<64))
        // The numbers of neither are used again.
        try await again.apply([.put(sideEntry(recordName(100), dueMs: 0))])
        let after = again.tables.index.place(place.prefix)
        #expect(after.withIndex { $0.due(byMs: 0, limit: 1) }.first?.block == 100)
        try homes.closeAll()
    }

    /// One record of each block stays for long: what takes room is no more than twice what is there.
    @Test func blocksOfWhichLittleIsLeftAreWrittenAnew() async throws {
        let homes = FailureHomes(index: PlaceIndex(spareRecords: 100, spareBytes: 1 << 30))
        var store = try homes.open()
        var kept: [UInt64] = []
        for round in 0..<40 as Range<UInt64> {
            let lows = (round * 100)..<(round * 100 + 96)
            try await store.apply(lows.map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
            try await store.apply(lows.filter { $0 % 32 != 5 }.map { .remove(recordName($0)) })
            kept += lows.filter { $0 % 32 == 5 }
        }
        #expect(kept.count == 120)
        #expect(try rows(store, "b") < 60)
        #expect(try rows(store, "r") < 20)
        #expect(try await store.delayedLows() == kept)
        store = try homes.reopen(store)
        #expect(try await store.delayedLows() == kept)
        #expect(try await store.sideCount(group: "g").records == 120)
        try await store.apply(kept.map { .remove(recordName($0)) })
        #expect(try rows(store, "b") == 0)
        #expect(try rows(store, "r") == 0)
        try homes.closeAll()
    }

    /// A look that has learned where entries are reads their blocks while the blocks go.
    @Test(arguments: [0, 16 << 20]) func whatStaysIsFoundWhileBlocksGo(cachedBytes: Int) async throws {
        let homes = FailureHomes(cachedBytes: cachedBytes, index: PlaceIndex(spareRecords: 0, spareBytes: 0))
        let store = try homes.open()
        // Every tenth stays.
        let stay = (0..<1_000 as Range<UInt64>).filter { $0 % 10 == 0 }
        try await store.apply(stay.map { .put(sideEntry(recordName($0), dueMs: 0)) })
        let isDone = Monitor(false)
        let looks = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask { [partition] in
                    var looks = 0
                    while !isDone.withLock({ $0 }) || looks < 10 {
                        let found = try await store.delayedEntries(
                            group: "g", partition: partition, dueByMs: 0, limit: 10_000)
                        #expect(Set(found.map(\.name.position.low)).isSuperset(of: stay))
                        looks += 1
                    }
                    return looks
                }
            }
            for round in 0..<60 as Range<UInt64> {
                let others = (0..<1_000 as Range<UInt64>).filter { $0 % 10 != 0 && $0 % 7 == round % 7 }
                // What stays is put anew beside others, so that its old block goes.
                try await store.apply(
                    (others + stay.filter { $0 % 7 == round % 7 }).sorted().map {
                        .put(sideEntry(recordName($0), dueMs: 0))
                    })
                try await store.apply(others.map { .remove(recordName($0)) })
            }
            isDone.withLock { $0 = true }
            return try await group.reduce(0, +)
        }
        #expect(looks >= 20)
        #expect(try await store.delayedLows() == stay)
        try homes.closeAll()
    }

    /// What an accepted loss can leave: a name in two blocks, of which the later one counts, now and after it has gone.
    @Test func ofANameInTwoBlocksTheLaterCounts() async throws {
        var store = try homes.open()
        try await store.apply((0..<4).map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
        let (tables, place) = (store.tables, FailureKeys.partition(FailureKeys.name, "g", partition))
        let batch = WriteBatch()
        var builder = SideBlockBuilder(batch, tables.side, place: place)
        var value: [UInt8] = []
        _ = FailureEncoding.append(sideEntry(recordName(2), dueMs: 100), to: &value)
        builder.add(recordName(2).position, dueMs: 100, byteCount: 3, value[...]) { 50 }
        builder.finish { 50 }
        try tables.database.write(batch)
        store = try homes.reopen(store)
        #expect(try await store.delayedLows() == [0, 1, 3, 2])
        try await store.apply([.remove(recordName(2))])
        #expect(try await store.delayedLows() == [0, 1, 3])
        store = try homes.reopen(store)
        #expect(try await store.delayedLows() == [0, 1, 3])
        try await store.apply([0, 1, 3].map { .remove(recordName($0)) })
        #expect(try rows(store, "b") == 0)
        #expect(try rows(store, "r") == 0)
        try homes.closeAll()
    }

    // MARK: Formats

    @Test func onlyWhatHasDelayedEntriesNeedsTheNewFormat() async throws {
        let directory = TemporaryDirectory()
        let store = try homes.open(directory)
        try await store.apply([.put(sideEntry(recordName(1), .held)), .bury(deadLetter(recordName(2)))])
        #expect(try format(directory) == "spillway 1\n")
        try await store.apply([.put(sideEntry(recordName(3)))])
        #expect(try format(directory) == "spillway 2\n")
        try await store.apply([.remove(recordName(3))])
        #expect(try await homes.reopen(store).heldKeys(group: "g", partition: partition).count == 1)
        #expect(try format(directory) == "spillway 2\n")
        try homes.closeAll()
    }

    @Test func aFormatThatIsNewerIsRefused() throws {
        let directory = TemporaryDirectory()
        try Database.open(directory("data")).close()
        try FileSystem.writeDurably(Array("spillway 3\n".utf8), to: directory("data/FORMAT"))
        let error = #expect(throws: DatabaseError.self) { try Database.open(directory("data")) }
        #expect(error?.code == .newerFormat)
        #expect(error?.description.contains("reads up to 2") == true)
    }

    /// The row of an entry itself.
    private func oldRow(_ entry: SideEntry) -> (key: [UInt8], value: [UInt8]) {
        let place = FailureKeys.partition(FailureKeys.name, entry.name.group, entry.name.partition)
        var (key, value): ([UInt8], [UInt8]) = ([UInt8(ascii: "d")] + place.dropFirst(), [])
        FailureKeys.append(FailureKeys.ordered(entry.dueMs), to: &key)
        FailureKeys.append(entry.name.position, to: &key)
        _ = FailureEncoding.append(entry, to: &value)
        return (key, value)
    }

    /// Each entry had a row of its own, and one that said where it was.
    private func writeOldRows(_ store: RocksFailureStore, _ entries: [SideEntry]) throws {
        let tables = store.tables
        let batch = WriteBatch()
        for entry in entries {
            let place = FailureKeys.partition(FailureKeys.name, entry.name.group, entry.name.partition)
            var (key, value) = oldRow(entry)
            batch.put(tables.side, key, value)
            FailureKeys.make(FailureKeys.name, place, entry.name.position, in: &key)
            FailureEncoding.makeLocation(
                .delayed, dueMs: entry.dueMs, byteCount: entry.byteCount, key: [], in: &value)
            batch.put(tables.names, key, value)
        }
        let count = FailureCount(records: entries.count, bytes: entries.reduce(0) { $0 + $1.byteCount })
        batch.put(tables.side, [FailureKeys.count] + Array("g".utf8), FailureEncoding.value(count))
        try tables.database.write(batch, sync: true)
    }

    /// What an accepted loss can leave of format 1: an entry at a due time from before, and one that is held since.
    @Test func whatOfTheEarlierVersionCountsNoMoreIsNotMoved() async throws {
        var store = try homes.open()
        try await store.apply([.put(sideEntry(recordName(1), .held))])
        try writeOldRows(store, [sideEntry(recordName(2), dueMs: 5), sideEntry(recordName(2), dueMs: 9)])
        let (tables, batch) = (store.tables, WriteBatch())
        let (key, value) = oldRow(sideEntry(recordName(1), dueMs: 7))
        batch.put(tables.side, key, value)
        try tables.database.write(batch)
        store = try homes.reopen(store)
        let found = try await store.delayedEntries(group: "g", partition: partition, dueByMs: .max, limit: 9)
        #expect(found.map(\.name.position.low) == [2] && found.map(\.dueMs) == [9])
        #expect(try rows(store, "d") == 0)
        #expect(try await store.sideCount(group: "g").records == 2)
        try await store.apply([.remove(recordName(1)), .remove(recordName(2))])
        #expect(try await store.heldKeys(group: "g", partition: partition).isEmpty)
        #expect(try await store.sideCount(group: "g") == FailureCount(records: 0, bytes: 0))
        try homes.closeAll()
    }

    @Test func aDamagedEntryOfTheEarlierVersionIsNamedAndNotMoved() throws {
        let store = try homes.open()
        let entry = sideEntry(recordName(2), dueMs: 5)
        try writeOldRows(store, [entry])
        let (tables, batch) = (store.tables, WriteBatch())
        let (key, value) = oldRow(entry)
        batch.put(tables.side, key, Array(value.dropLast()))
        try tables.database.write(batch)
        let error = #expect(throws: DatabaseError.self) { try FailureTables(tables.database) }
        #expect(error?.code == .corruption)
        #expect(error?.description.contains("the entry \(entry.name.position) of \(partition) of g") == true)
        #expect(try rows(store, "d") == 1)
        try homes.closeAll()
    }

    @Test func whatIsThereIsCountedWhateverTheRowOfTheCountSays() async throws {
        var store = try homes.open()
        try await store.apply([.put(sideEntry(recordName(1), .held)), .put(sideEntry(recordName(2)))])
        for wrong in [FailureCount(records: 9, bytes: 1), FailureCount(records: 0, bytes: 0)] {
            let batch = WriteBatch()
            batch.put(store.tables.side, [FailureKeys.count] + Array("g".utf8), FailureEncoding.value(wrong))
            try store.tables.database.write(batch)
            store = try homes.reopen(store)
            #expect(try await store.sideCount(group: "g") == FailureCount(records: 2, bytes: 6))
        }
        try homes.closeAll()
    }

    @Test func whatAnEarlierVersionPutIsMovedIntoBlocks() async throws {
        let directory = TemporaryDirectory()
        var store = try homes.open(directory)
        // More than are moved in one go, in two partitions.
        let entries = (0..<10_000 as Range<UInt64>).map { low in
            sideEntry(recordName(low, partition: low % 3 == 0 ? 1 : 0), dueMs: Int64(low * 7_919 % 60_000))
        }
        try writeOldRows(store, entries)
        #expect(try format(directory) == "spillway 1\n")
        store = try homes.reopen(store)
        #expect(try format(directory) == "spillway 2\n")
        for _ in 0..<2 {
            #expect(try rows(store, "d") == 0)
            #expect(try rows(store, "n", in: store.tables.names) == 0)
            for partition in 0..<2 {
                let expected = entries.filter { $0.name.partition.partition == partition }
                    .sorted { ($0.dueMs, $0.name.position) < ($1.dueMs, $1.name.position) }
                let found = try await store.delayedEntries(
                    group: "g", partition: recordName(0, partition: partition).partition, dueByMs: .max, limit: 20_000)
                #expect(found.map(\.name) == expected.map(\.name))
                #expect(found.map(\.dueMs) == expected.map(\.dueMs))
                #expect(found.allSatisfy { $0.record.value == [2, 3] && $0.attempts == 1 })
            }
            #expect(try await store.sideCount(group: "g").records == 10_000)
            store = try homes.reopen(store)
        }
        try await store.apply(entries.map { .remove($0.name) })
        #expect(try await store.sideCount(group: "g") == FailureCount(records: 0, bytes: 0))
        #expect(try rows(store, "b") == 0)
        try homes.closeAll()
    }
}
