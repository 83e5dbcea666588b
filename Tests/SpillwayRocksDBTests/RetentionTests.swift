import Spillway
import SpillwayCore
import SpillwayRocksDB
import Synchronization
import Testing

/// Old records go, their space is freed, nothing is rewritten, and no group loses what it has not done.
@Suite struct RetentionTests {
    static func configuration(bytes: Int? = nil, age: Duration? = nil) -> EmbeddedBroker.Configuration {
        var configuration = EmbeddedBroker.Configuration()
        configuration.retentionBytes = bytes
        configuration.retentionAge = age
        configuration.careInterval = .seconds(3_600)
        configuration.idleSyncDelay = .milliseconds(10)
        configuration.tailBytes = 1 << 20
        return configuration
    }

    /// Values that don't compress, so that files have the size of what was sent.
    static func fill(_ fixture: BrokerFixture, megabytes: Int, key: [UInt8]? = nil) async throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<megabytes {
            let messages = (0..<16).map { _ in
                Message(
                    key: key, value: (0..<8_192).flatMap { _ in withUnsafeBytes(of: random.next(), Array.init) })
            }
            _ = try await fixture.broker.send(messages, to: "t")
        }
    }

    func flush(_ fixture: BrokerFixture) throws {
        try fixture.database.flush(try fixture.database.family("log.t"))
    }

    @Test func sizeIsKeptWithoutRewriting() async throws {
        let fixture = try BrokerFixture(Self.configuration(bytes: 12 << 20))
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        let registry = MetricsRegistry()
        try fixture.database.register(registry)
        for _ in 0..<8 {
            try await Self.fill(fixture, megabytes: 4)
            try flush(fixture)
        }
        try await eventually("files are dropped") {
            try await fixture.broker.runRetention()
            return value("spillway_rocksdb_file_bytes", registry) < Double(16 << 20)
        }
        #expect(try fixture.broker.startPosition(of: "t").low > 16 * 16)
        #expect(value("spillway_rocksdb_compaction_written_bytes_total", registry) < Double(1 << 20))
        #expect(value("spillway_rocksdb_flushed_bytes_total", registry) > Double(30 << 20))
        // A consumer from before goes on at the start, after a restart too.
        try await fixture.reopen()
        let start = try fixture.broker.startPosition(of: "t")
        let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "late"))
        let first = try await subscription.take(1)
        #expect(first[0].record.position == start)
        try await fixture.close()
    }

    func value(_ name: String, _ registry: MetricsRegistry) -> Double {
        let lines = String(decoding: registry.exposition(), as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix(name + " ") }.flatMap { Double($0.dropFirst(name.count + 1)) } ?? .nan
    }

    @Test func aGroupHoldsWhatItHasNotDurablyCommitted() async throws {
        let fixture = try BrokerFixture(Self.configuration(bytes: 1 << 20))
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "slow"))
        let start = try fixture.broker.startPosition(of: "t")
        for _ in 0..<4 {
            try await Self.fill(fixture, megabytes: 4)
            try flush(fixture)
        }
        try await eventually("files are moved down") { try levelZeroFiles(fixture) == 0 }
        try await fixture.broker.runRetention()
        #expect(try fixture.broker.startPosition(of: "t") == start)
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 0)
        let half = Position(high: start.high, low: start.low + 16 * 8)
        let generation = try await subscription.assignment(of: partition).generation
        try await subscription.commit([Commit(partition: partition, generation: generation, next: half)])
        try await eventually("what was committed goes, once that is durable") {
            try await fixture.broker.runRetention()
            return try fixture.broker.startPosition(of: "t") > start
        }
        try await fixture.broker.runRetention()
        let kept = try fixture.broker.startPosition(of: "t")
        #expect(kept <= half)
        // The member, which has read nothing yet, goes on with what is kept.
        let rest = try await subscription.take(Int(start.low) + 16 * 16 - Int(kept.low))
        #expect(rest.first?.record.position == kept)
        try await fixture.close()
    }

    @Test func aDeletedGroupHoldsNothing() async throws {
        let fixture = try BrokerFixture(Self.configuration(bytes: 1 << 20))
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "dead"))
        let start = try fixture.broker.startPosition(of: "t")
        for _ in 0..<3 {
            try await Self.fill(fixture, megabytes: 2)
            try flush(fixture)
        }
        await subscription.close()
        try await eventually("files are moved down") { try levelZeroFiles(fixture) == 0 }
        try await fixture.broker.runRetention()
        #expect(try fixture.broker.startPosition(of: "t") == start, "a group without members holds as well")
        #expect(try await fixture.broker.deleteGroup("dead", topic: "t"))
        try await fixture.broker.runRetention()
        #expect(try fixture.broker.startPosition(of: "t") > start)
        try await fixture.close()
    }

    @Test func aGroupThatWasSetBackHoldsFromThere() async throws {
        var configuration = Self.configuration(bytes: 1 << 20)
        // Nothing but the call itself makes it durable, which retention waits for.
        configuration.idleSyncDelay = .seconds(3_600)
        let fixture = try BrokerFixture(configuration)
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
        for _ in 0..<3 {
            try await Self.fill(fixture, megabytes: 2)
            try flush(fixture)
        }
        await subscription.close()
        let start = try fixture.broker.startPosition(of: "t")
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 0)
        let end = try #require(try await fixture.broker.endPositions(of: "t")[partition])
        try await fixture.broker.setCommitted([partition: end], group: "g", topic: "t")
        try await fixture.broker.setCommitted([partition: start], group: "g", topic: "t")
        try await eventually("files are moved down") { try levelZeroFiles(fixture) == 0 }
        try await fixture.broker.runRetention()
        #expect(try fixture.broker.startPosition(of: "t") == start)
        try await fixture.broker.setCommitted([partition: end], group: "g", topic: "t")
        try await fixture.broker.runRetention()
        let kept = try fixture.broker.startPosition(of: "t")
        #expect(kept > start)
        // What is gone can't be gone back to: the group is set to the oldest record that is left.
        try await fixture.broker.setCommitted([partition: start], group: "g", topic: "t")
        #expect(try await fixture.broker.committed(group: "g", topic: "t") == [partition: kept])
        try await fixture.close()
    }

    /// The end of the log at which it was looked for last is not remembered as its first record.
    @Test(arguments: [true, false])
    func aPartitionThatIsIdleAfterAReopenHoldsNothing(staysIdle: Bool) async throws {
        let fixture = try BrokerFixture(Self.configuration(bytes: 1 << 20))
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        let keys = (0..<100).map { bytes("key \($0)") }
        let key = try #require(keys.first { KeyPartitioner.partition(for: $0, of: 2) == 1 })
        let idle = try #require(keys.first { KeyPartitioner.partition(for: $0, of: 2) == 0 })
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 1)
        func commitAtEnd(_ subscription: any Subscription) async throws -> Position {
            let end = try #require(try await fixture.broker.endPositions(of: "t")[partition])
            let generation = try await subscription.assignment(of: partition).generation
            try await subscription.commit([Commit(partition: partition, generation: generation, next: end)])
            try fixture.database.sync()
            return end
        }
        let first = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
        try await Self.fill(fixture, megabytes: 1, key: key)
        let opened = try await commitAtEnd(first)
        try await fixture.reopen()
        let second = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
        try await fixture.broker.runRetention()
        for _ in 0..<4 {
            try await Self.fill(fixture, megabytes: 4, key: key)
            try flush(fixture)
        }
        // It is the group's next one there, and nothing before it holds.
        if !staysIdle { _ = try await fixture.broker.send(Message(key: idle, value: nil), to: "t") }
        _ = try await commitAtEnd(second)
        try await eventually("files are moved down") { try levelZeroFiles(fixture) == 0 }
        try await fixture.broker.runRetention()
        #expect(try fixture.broker.startPosition(of: "t") > opened)
        try await fixture.close()
    }

    func levelZeroFiles(_ fixture: BrokerFixture) throws -> Int {
        fixture.database.files(of: try fixture.database.family("log.t")).count { $0.level == 0 }
    }

    @Test func ageIsKeptWhenNothingMoreComes() async throws {
        let fixture = try BrokerFixture(Self.configuration(age: .milliseconds(200)))
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        for number in 0..<10 { _ = try await fixture.broker.send(Message(value: bytes("\(number)")), to: "t") }
        try await eventually("all of it goes") {
            try await fixture.broker.runRetention()
            return try fixture.broker.startPosition(of: "t").low == 11
        }
        // Sequences go on where they were, though no record is left to tell.
        try await fixture.reopen()
        #expect(try await fixture.broker.send(Message(value: nil), to: "t").position?.low == 11)
        try await fixture.close()
    }
}
