import Spillway
import SpillwayCore
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
