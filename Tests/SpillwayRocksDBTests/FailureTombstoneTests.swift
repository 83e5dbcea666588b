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

    /// Where delayed entries are is known.
    @Test func aLookAtAQueueThatWasEmptiedStepsOverNothing() async throws {
        let store = try homes.open()
        try await store.apply((0..<3_000).map { .put(sideEntry(recordName($0), dueMs: Int64($0))) })
        try await store.apply((0..<2_990).map { .remove(recordName($0)) })
        var found: [UInt64] = []
        let read = try marks {
            found = try store.tables.delayedEntries("g", partition, dueByMs: 1 << 40, limit: 9).map(\.name.position.low)
        }
        #expect(found == Array(2_990..<2_999))
        #expect(read == 0)
        #expect(store.tables.nextDelayedDueMs("g", partition) == 2_990)
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
