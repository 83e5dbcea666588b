import Spillway
import SpillwayCore
import Synchronization
import Testing

@testable import SpillwayRocksDB

/// What counts against the quota of a scope.
@Suite struct DeduplicationTableTests {
    let scope = bytes("u")

    /// Stores tokens as the log's writer does.
    private func store(_ tokens: [Deduplication], at now: Int64, _ table: DeduplicationTable, _ database: Database)
        throws
    {
        let batch = WriteBatch()
        let writes = tokens.map {
            (write: TokenWrite($0, partitions: [0], nowMs: now), epoch: UInt64(1), base: UInt64(1))
        }
        try table.write(writes, into: batch) { try database.append(batch) }
    }

    /// The clock may be ahead, and be put right.
    @Test func careRemovesTokensOnlyAnHourBehindTheirEnd() async throws {
        let fixture = try BrokerFixture()
        let threads = BlockingExecutor(name: "removers", threads: 1)
        let table = try DeduplicationTable(fixture.database, lookups: threads)
        for minutes in [59, 61] as [Int64] {
            let token = Deduplication(scope: scope, token: bytes("\(minutes)"), fingerprint: 1, lifetimeMs: 0)
            try store([token], at: wallMilliseconds() - minutes * 60_000, table, fixture.database)
        }
        try await fixture.broker.runRetention()
        #expect(try table.removeExpired() == 1)
        try await fixture.close()
    }

    /// A token whose message is written, but not synced, is in the stored counter and still in flight.
    @Test func aTokenCountsOnceWhileItsMessageIsSynced() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let log = try fixture.broker.log("t")
        let table = try DeduplicationTable(fixture.database, lookups: BlockingExecutor(name: "lookups", threads: 1))
        func token(_ name: String) -> Deduplication {
            Deduplication(scope: scope, token: bytes(name), fingerprint: 1, quota: 2)
        }
        _ = try await table.send(token("first"), 0, to: log) {
            try store([token("first")], at: wallMilliseconds(), table, fixture.database)
            _ = try await table.send(token("second"), 0, to: log) { [] }
            return []
        }
        try store([token("second")], at: wallMilliseconds(), table, fixture.database)
        let refusal = await #expect(throws: BrokerError.self) {
            try await table.send(token("third"), 0, to: log) { [] }
        }
        #expect(refusal?.code == .deduplicationQuota)
        try await fixture.close()
    }

    /// It counts as in flight again until it is refused.
    @Test func aTokenWhoseMessageCouldNotBeWrittenDoesNotCount() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let log = try fixture.broker.log("t")
        let table = try DeduplicationTable(fixture.database, lookups: BlockingExecutor(name: "lookups", threads: 1))
        struct NoRoom: Error {}
        let first = Deduplication(scope: scope, token: bytes("first"), fingerprint: 1, quota: 1)
        await #expect(throws: NoRoom.self) {
            try await table.send(first, 0, to: log) {
                let write = TokenWrite(first, partitions: [0], nowMs: wallMilliseconds())
                try table.write([(write: write, epoch: 1, base: 1)], into: WriteBatch()) { throw NoRoom() }
                return []
            }
        }
        for name in ["second", "third"] {
            let next = Deduplication(scope: scope, token: bytes(name), fingerprint: 1, quota: 1)
            _ = try await table.send(next, 0, to: log) { [] }
        }
        try await fixture.close()
    }

    private final class Hook: Sendable {
        let body = Mutex<(@Sendable () throws -> Void)?>(nil)

        func run() throws { try body.withLock { $0.take() }?() }
    }

    private func table(_ database: Database, _ hook: Hook = Hook()) throws -> DeduplicationTable {
        try DeduplicationTable(database, lookups: BlockingExecutor(name: "lookups", threads: 1)) { try hook.run() }
    }

    /// The log's writer takes it in while the removal reads, and waits for nothing.
    @Test func aTokenThatIsUsedAgainWhileItIsRemovedStays() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let log = try fixture.broker.log("t")
        let (hook, database) = (Hook(), fixture.database)
        let table = try table(database, hook)
        func token(_ name: String, lifetimeMs: Int64, quota: Int = 10) -> Deduplication {
            Deduplication(scope: scope, token: bytes(name), fingerprint: 1, lifetimeMs: lifetimeMs, quota: quota)
        }
        try store(
            [token("a", lifetimeMs: 0), token("b", lifetimeMs: 0)], at: wallMilliseconds() - 1_000, table, database)
        let again = token("a", lifetimeMs: 3_600_000)
        hook.body.withLock {
            $0 = { [self] in try store([again], at: wallMilliseconds(), table, database) }
        }
        #expect(try table.removeExpired() == 2)
        let receipts = try await table.send(again, 1, to: log) { [] }
        #expect(receipts.map(\.isDuplicate) == [true])
        #expect(try database.get(database.family("deduplication"), TokenEncoding.tokenKey(scope, bytes("b"))) == nil)
        let refusal = await #expect(throws: BrokerError.self) {
            try await table.send(token("more", lifetimeMs: 1, quota: 1), 0, to: log) { [] }
        }
        #expect(refusal?.code == .deduplicationQuota)
        _ = try await table.send(token("more", lifetimeMs: 1, quota: 2), 0, to: log) { [] }
        try await fixture.close()
    }

    /// A walk steps over no remains of tokens that an earlier one has removed, and misses none that came below them.
    @Test func whatWasRemovedIsNotWalkedOverAgain() async throws {
        let fixture = try BrokerFixture()
        let (hook, database) = (Hook(), fixture.database)
        let table = try table(database, hook)
        let now = wallMilliseconds()
        func expired(_ name: String, agoMs: Int64) throws {
            let token = Deduplication(scope: scope, token: bytes(name), fingerprint: 1, lifetimeMs: 0)
            try store([token], at: now - agoMs, table, database)
        }
        for number in 0..<1_000 { try expired("\(number)", agoMs: 2_000 - Int64(number)) }
        let before = Database.Iterator.skippedDeletes
        var removed = 0
        while case let more = try table.removeExpired(), more > 0 { removed += more }
        #expect(removed == 1_000)
        #expect(Database.Iterator.skippedDeletes == before)
        // The clock was set back.
        try expired("earlier", agoMs: 5_000)
        #expect(try table.removeExpired() == 1)
        try expired("a", agoMs: 1_000)
        hook.body.withLock {
            $0 = { [self] in
                let token = Deduplication(scope: scope, token: bytes("b"), fingerprint: 1, lifetimeMs: 0)
                try store([token], at: now - 1_500, table, database)
            }
        }
        #expect(try table.removeExpired() == 1)
        #expect(try table.removeExpired() == 1)
        #expect(try table.removeExpired() == 0)
        let family = try database.family("deduplication")
        do {
            let walk = database.iterator(family)
            #expect(!walk.seekToFirst())
        }
        try await fixture.close()
    }

    @Test func aTokenThatTwoThreadsRemoveAtOnceIsCountedOnce() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let log = try fixture.broker.log("t")
        let threads = BlockingExecutor(name: "removers", threads: 2)
        let table = try DeduplicationTable(fixture.database, lookups: threads)
        let live = (0..<100).map { Deduplication(scope: scope, token: bytes("live \($0)"), fingerprint: 1) }
        try store(live, at: wallMilliseconds(), table, fixture.database)
        for round in 0..<40 {
            let expired = (0..<40).map {
                Deduplication(scope: scope, token: bytes("\(round) \($0)"), fingerprint: 1, lifetimeMs: 0)
            }
            try store(expired, at: wallMilliseconds() - 1_000, table, fixture.database)
            let start = Barrier(2)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await threads.run {
                            start.wait()
                            while try table.removeExpired() > 0 {}
                        }
                    }
                }
                try await group.waitForAll()
            }
            func send(quota: Int) async throws {
                let more = Deduplication(scope: scope, token: bytes("one more"), fingerprint: 1, quota: quota)
                _ = try await table.send(more, 0, to: log) { [] }
            }
            let refusal = await #expect(throws: BrokerError.self) { try await send(quota: live.count) }
            try #require(refusal?.code == .deduplicationQuota)
            try await send(quota: live.count + 1)
        }
        try await fixture.close()
    }
}

/// Threads that wait for each other once.
private final class Barrier: Sendable {
    private let missing: Monitor<Int>

    init(_ threads: Int) { missing = Monitor(threads) }

    func wait() {
        missing.withLock { $0 -= 1 }
        missing.broadcast()
        _ = missing.wait { $0 <= 0 ? true : nil }
    }
}
