import Spillway
import SpillwayCore
import Testing

@testable import SpillwayRocksDB

/// What groups do between retention's question what they need and its answer.
@Suite struct RetentionRaceTests {
    @Test func aGroupThatIsSetBackMeanwhileLosesNothing() async throws {
        let configuration = RetentionTests.configuration(bytes: 1 << 20)
        let fixture = try BrokerFixture(configuration)
        let broker = fixture.broker
        _ = try await broker.ensureTopic("t", partitions: 1)
        // So that it holds retention back.
        await (try await broker.subscribe(.init(topic: "t", group: "g"))).close()
        let tests = RetentionTests()
        for _ in 0..<3 {
            try await RetentionTests.fill(fixture, megabytes: 2)
            try tests.flush(fixture)
        }
        let log = try broker.log("t")
        let partition = log.partitions[0]
        let start = try broker.startPosition(of: "t")
        let end = try #require(try await broker.endPositions(of: "t")[partition])
        try await broker.setCommitted([partition: end], group: "g", topic: "t")
        try await eventually("files are moved down") { try tests.levelZeroFiles(fixture) == 0 }
        let files = fixture.database.files(of: log.family)
        func retention(_ beforeDrop: @escaping @Sendable () throws -> Void) -> LogRetention {
            LogRetention(
                fixture.database, broker.reader, broker.groups, configuration, Logger(label: "test"),
                beforeDrop: beforeDrop)
        }
        let (groups, database) = (broker.groups, fixture.database)
        try retention { try groups.set([0: start], "g", log) }.run(log)
        #expect(try broker.startPosition(of: "t") == start)
        #expect(fixture.database.files(of: log.family) == files)
        #expect(try await broker.committed(group: "g", topic: "t") == [partition: start])
        // What is committed meanwhile holds nothing back.
        let middle = Position(high: start.high, low: start.low + 40)
        try await broker.setCommitted([partition: middle], group: "g", topic: "t")
        try retention {
            try groups.set([0: end], "g", log)
            try database.sync()
        }.run(log)
        let kept = try broker.startPosition(of: "t")
        #expect(kept > start && kept <= middle)
        // It is set to no earlier one behind that.
        try await broker.setCommitted([partition: start], group: "g", topic: "t")
        #expect(try await broker.committed(group: "g", topic: "t") == [partition: kept])
        try await fixture.close()
    }
}
