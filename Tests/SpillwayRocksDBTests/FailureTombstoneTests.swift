import Spillway
import Testing

@testable import SpillwayRocksDB

/// What removed rows leave behind is read once, not at every look: counted by the marks that iterators step over.
@Suite struct FailureTombstoneTests {
    let homes = FailureHomes()
    let partition = recordName(0).partition

    /// How many marks of removed keys a body steps over, on this thread.
    private func marks(_ body: () throws -> Void) rethrows -> Int {
        let before = Database.Iterator.skippedDeletes
        try body()
        return Database.Iterator.skippedDeletes - before
    }

    private func look(_ store: RocksFailureStore, by dueMs: Int64 = 1 << 40, limit: Int = 10) throws -> [UInt64] {
        try store.tables.delayedEntries("g", partition, dueByMs: dueMs, limit: limit).map(\.name.position.low)
    }

    /// How many marks a look at the head steps over that finds these entries.
    private func marks(
        _ store: RocksFailureStore, finding expected: [UInt64], limit: Int = 10,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Int {
        var found: [UInt64] = []
        let count = try marks { found = try look(store, limit: limit) }
        #expect(found == expected, sourceLocation: sourceLocation)
        return count
    }

    private func fill(_ store: RocksFailureStore, _ lows: Range<UInt64>) async throws {
        try await store.apply(lows.map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
    }

    @Test func aHeadThatWasEmptiedIsSteppedOver() async throws {
        let store = try homes.open()
        try await fill(store, 0..<3_000)
        try await store.apply((0..<2_990).map { .remove(recordName($0)) })
        let first = Array(2_990..<3_000 as Range<UInt64>)
        #expect(try marks(store, finding: first) >= 2_990)
        #expect(try marks(store, finding: first) == 0)
        #expect(try marks { _ = try store.tables.nextDelayedDueMs("g", partition) } == 0)
        // One that comes before is found all the same.
        try await store.apply([.put(sideEntry(recordName(7), dueMs: 7))])
        #expect(try marks(store, finding: [7, 2_990], limit: 2) == 0)
        #expect(try store.tables.nextDelayedDueMs("g", partition) == 7)
        try await store.apply([.remove(recordName(7))])
        #expect(try marks(store, finding: first) == 1)
        #expect(try marks(store, finding: first) == 0)
        try homes.closeAll()
    }

    @Test func whatWasRemovedBehindAnEntryThatStaysIsSteppedOver() async throws {
        let store = try homes.open()
        try await fill(store, 0..<2_000)
        try await store.apply((1..<1_999).map { .remove(recordName($0)) })
        #expect(try marks(store, finding: [0, 1_999]) >= 1_998)
        #expect(try marks(store, finding: [0, 1_999]) == 0)
        try homes.closeAll()
    }

    /// A queue that is filled and emptied for hours, with an entry at its head that never goes.
    @Test func eachMarkIsReadAFewTimesHoweverOftenTheQueueIsEmptied() async throws {
        let store = try homes.open()
        try await store.apply([.put(sideEntry(recordName(0), dueMs: -1))])
        var read = 0
        for round in 0..<20 as Range<UInt64> {
            let start = 1 + round * 200
            try await fill(store, start..<(start + 200))
            for chunk in stride(from: start, to: start + 200, by: 50) {
                read += try marks(store, finding: [0] + Array(chunk..<(chunk + 50)), limit: 51)
                try await store.apply((chunk..<(chunk + 50)).map { .remove(recordName($0)) })
                read += try marks { _ = try store.tables.nextDelayedDueMs("g", partition) }
            }
        }
        // 4,000 were removed; without memory of them, eighty looks read 40 times as many.
        #expect(read <= 12_000, "\(read) marks were read")
        #expect(try look(store) == [0])
        try homes.closeAll()
    }

    @Test func lettersThatAreTakenPageByPageAreReadOnce() async throws {
        let store = try homes.open()
        try await store.apply((0..<2_000).map { .bury(deadLetter(recordName($0))) })
        var read = 0
        for page in 0..<20 as Range<UInt64> {
            var names: [RecordName] = []
            read += try marks { names = try store.tables.deadLetters(group: nil, after: nil, limit: 100).map(\.name) }
            #expect(names.map(\.position.low) == Array((page * 100)..<((page + 1) * 100)))
            #expect(try await store.requeueDeadLetters(names, dueMs: 0) == 100)
        }
        #expect(read <= 4_000, "\(read) marks were read")
        try homes.closeAll()
    }

    @Test func aLetterThatIsBuriedWhereManyWereTakenIsFound() async throws {
        let store = try homes.open()
        try await store.apply((0..<100).map { .bury(deadLetter(recordName($0))) })
        #expect(try await store.discardDeadLetters((0..<99).map { recordName($0) }) == 99)
        func lows() throws -> [UInt64] {
            try store.tables.deadLetters(group: nil, after: nil, limit: 10).map(\.name.position.low)
        }
        #expect(try lows() == [99])
        try await store.apply([.bury(deadLetter(recordName(50)))])
        #expect(try lows() == [50, 99])
        try homes.closeAll()
    }

    @Test func theHeadOfAHeldKeyIsFoundByItsSummary() async throws {
        let store = try homes.open()
        try await store.apply((0..<2_000).map { .put(sideEntry(recordName($0), .held)) })
        try await store.apply((0..<1_999).map { .remove(recordName($0)) })
        var held: [SideEntry] = []
        let read = try marks {
            held = try store.tables.heldEntries("g", partition, key: [1], from: .start, limit: 10)
        }
        #expect(held.map(\.name.position.low) == [1_999])
        #expect(read == 0)
        try homes.closeAll()
    }
}
