import Spillway
import Testing

@testable import SpillwayRocksDB

@Suite struct GroupDurabilityTests {
    /// Rows go by bytes: to delete the one spelling and remember that the other is gone would be undone by a restart.
    @Test func namesThatAreEqualAsTextAreTwoGroups() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        for name in [composed, decomposed] {
            await (try await fixture.broker.subscribe(.init(topic: "t", group: name))).close()
        }
        #expect(try await fixture.broker.groups().count == 2)
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 0)
        for _ in 0..<2 { _ = try await fixture.broker.send(Message(value: [1]), to: "t") }
        let end = try #require(try await fixture.broker.endPositions(of: "t")[partition])
        let start = try fixture.broker.startPosition(of: "t")
        try await fixture.broker.setCommitted([partition: end], group: composed, topic: "t")
        try await fixture.broker.setCommitted([partition: start], group: decomposed, topic: "t")
        try await fixture.reopen()
        #expect(try await fixture.broker.committed(group: composed, topic: "t") == [partition: end])
        #expect(try await fixture.broker.committed(group: decomposed, topic: "t") == [partition: start])
        #expect(try await fixture.broker.deleteGroup(decomposed, topic: "t"))
        try await fixture.reopen()
        #expect(try await fixture.broker.groups().map { Array($0.group.utf8) } == [Array(composed.utf8)])
        try await fixture.close()
    }

    @Test func whatOperatorsDoToAGroupIsSyncedOnReturn() async throws {
        var configuration = EmbeddedBroker.Configuration()
        configuration.idleSyncDelay = .seconds(3_600)
        let fixture = try BrokerFixture(configuration)
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        _ = try await fixture.broker.send(Message(value: [1]), to: "t")
        try await fixture.broker.subscribe(SubscriptionRequest(topic: "t", group: "g")).close()
        #expect(fixture.database.hasUnsynced, "joining alone syncs nothing")
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 1)
        try await fixture.broker.setCommitted([partition: .start], group: "g", topic: "t")
        #expect(!fixture.database.hasUnsynced)
        #expect(try await fixture.broker.deleteGroup("g", topic: "t"))
        #expect(!fixture.database.hasUnsynced)
        try await fixture.close()
    }

    /// The search stops between its steps to let others have their turn, and to hear that nobody waits any more.
    @Test func aSearchByTimeGoesOnBehindItsSteps() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        for number in 0..<40 {
            let value = [UInt8](repeating: UInt8(number), count: (1 << 20) - 256)
            _ = try await fixture.broker.send(Message(value: value, timestampMs: Int64(number)), to: "t")
        }
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 0)
        for time in [0, 20, 39] {
            let found = try await fixture.broker.positions(of: "t", atOrAfterMs: Int64(time))
            #expect(found[partition]?.low == UInt64(time + 1))
        }
        try await fixture.close()
    }
}
