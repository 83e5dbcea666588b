import Spillway
import Testing

@Suite struct InMemoryAdministrationTests {
    @Test func aDeletedGroupLetsAFullTopicTakeMore() async throws {
        var limits = InMemoryBroker.Limits()
        limits.maxRecords = 3
        let broker = InMemoryBroker(limits: limits)
        _ = try await broker.ensureTopic("t", partitions: 1)
        try await broker.subscribe(SubscriptionRequest(topic: "t", group: "dead")).close()
        for number: UInt8 in 0..<3 { _ = try await broker.send(Message(value: [number]), to: "t") }
        let error = await #expect(throws: BrokerError.self) { try await broker.send(Message(value: [3]), to: "t") }
        #expect(error?.code == .storageFull)
        #expect(try await broker.deleteGroup("dead", topic: "t"))
        #expect(try await broker.send(Message(value: [3]), to: "t").position?.low == 4)
    }
}
