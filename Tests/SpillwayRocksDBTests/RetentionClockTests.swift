import Spillway
import Testing

@testable import SpillwayRocksDB

@Suite struct RetentionClockTests {
    /// The time of the entry behind a file says how old the file is, unless the clock was wrong just then.
    @Test func aClockThatWasBehindForAMomentDropsNoYoungFile() async throws {
        var configuration = RetentionTests.configuration(age: .seconds(3_600))
        configuration.idleSyncDelay = .seconds(3_600)
        let fixture = try BrokerFixture(configuration)
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        for number in 0..<10 { _ = try await fixture.broker.send(Message(value: bytes("\(number)")), to: "t") }
        let log = try fixture.broker.log("t")
        let start = log.start
        try fixture.database.flush(log.family)
        try await eventually("the file is moved down") { try RetentionTests().levelZeroFiles(fixture) == 0 }
        // What the writer would have written with such a clock.
        var late = try #require(try fixture.database.get(log.family, LogEncoding.key(of: log.end - 1)))
        for index in 8..<16 { late[index] = 0 }
        let batch = WriteBatch()
        batch.put(log.family, LogEncoding.key(of: log.end), late)
        try fixture.database.write(batch)
        let reader = LogReader(fixture.database)
        #expect(try reader.firstEntry(of: log, from: log.end)?.appendedAtMs == 0)
        try await fixture.broker.runRetention()
        #expect(log.start == start)
        try await fixture.close()
    }
}
