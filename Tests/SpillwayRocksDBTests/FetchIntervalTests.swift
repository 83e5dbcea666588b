import Spillway
import SpillwayRocksDB
import Synchronization
import Testing

@Suite struct FetchIntervalTests {
    @Test func aFetchWaitsForItsIntervalUnlessSomebodyAsks() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        let subscription = try await fixture.broker.subscribe(
            SubscriptionRequest(topic: "t", group: "g", fetchInterval: .seconds(3_600)))
        subscription.request(records: 100, bytes: 1 << 20)
        let seen = Seen()
        let consumer = Task {
            while let event = try await subscription.next() {
                if case .records(let batch) = event { seen.add(batch.records.count) }
            }
        }
        _ = try await fixture.broker.send(Message(value: bytes("1")), to: "t")
        try await eventually("one comes") { seen.count == 1 }
        _ = try await fixture.broker.send(Message(value: bytes("2")), to: "t")
        _ = try await fixture.broker.send(Message(value: bytes("3")), to: "t")
        try await Task.sleep(for: .milliseconds(50))
        #expect(seen.count == 1)
        subscription.fetchNow()
        try await eventually("three have come") { seen.count == 3 }
        // Membership and the end wait for nobody.
        _ = try await fixture.broker.send(Message(value: bytes("4")), to: "t")
        await subscription.close()
        try await consumer.value
        #expect(seen.count == 3)
        try await fixture.close()
    }

    @Test func withoutAnIntervalEachIsFetchedAtOnce() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        let subscription = try await fixture.broker.subscribe(SubscriptionRequest(topic: "t", group: "g"))
        for number in 0..<20 { _ = try await fixture.broker.send(Message(value: bytes("\(number)")), to: "t") }
        #expect(try await subscription.take(20).count == 20)
        await subscription.close()
        try await fixture.close()
    }
}
