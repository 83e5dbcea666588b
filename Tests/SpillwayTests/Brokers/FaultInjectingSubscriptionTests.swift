import Spillway
import SpillwayTesting
import Testing

@Suite struct FaultInjectingSubscriptionTests {
    private struct Nothing: Error {}

    /// The next records; throws if none come in ten seconds.
    private func records(of subscription: any Subscription) async throws -> RecordBatch {
        try await withThrowingTaskGroup(of: RecordBatch.self) { group in
            group.addTask {
                while let event = try await subscription.next() {
                    if case .records(let batch) = event { return batch }
                }
                throw Nothing()
            }
            group.addTask {
                try await Task.sleep(for: .seconds(10))
                throw Nothing()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? { throw Nothing() }()
        }
    }

    /// The demand for a delivery that would have come again is the broker's again when a seek drops that delivery.
    @Test func aSeekBeforeARepeatedDeliveryLosesNoDemand() async throws {
        let inner = try await ConsumerTests.broker(partitions: 1)
        for number in 0..<6 { _ = try await inner.send(Message(key: [1], value: [UInt8(number)]), to: "t") }
        var faults = BrokerFaults()
        faults.duplicateDeliveries = 1
        let broker = FaultInjectingBroker(inner, faults: faults)
        let subscription = try await broker.subscribe(SubscriptionRequest(topic: "t", group: "g"))
        subscription.request(records: 3, bytes: 1_000)
        let first = try await records(of: subscription)
        #expect(first.records.count == 3)
        // All of it is taken for the delivery that comes again.
        subscription.request(records: 3, bytes: first.records.reduce(0) { $0 + $1.byteCount })
        broker.faults = BrokerFaults()
        subscription.seek(first.partition, to: try #require(first.records[0].position))
        var values: [UInt8] = []
        while values.count < 3 { values += try await records(of: subscription).records.compactMap { $0.value?.first } }
        #expect(values == [0, 1, 2])
        await subscription.close()
    }

    /// Operators, and a consumer that is to go on at a time, find the inner broker's groups behind the faults.
    @Test func groupsAreAdministeredBehindFaults() async throws {
        let inner = try await ConsumerTests.broker(partitions: 1)
        for time: Int64 in [100, 200, 300] {
            _ = try await inner.send(Message(value: [1], timestampMs: time), to: "t")
        }
        let broker: any Broker = FaultInjectingBroker(inner)
        let administration = try #require(broker as? any GroupAdministration)
        let partition = TopicPartition(source: inner.source, topic: "t", partition: 0)
        let found = try await administration.positions(of: "t", atOrAfterMs: 150)
        #expect(found == [partition: Position(high: 1, low: 2)])
        #expect(try await administration.beginPositions(of: "t") == [partition: Position(high: 1, low: 1)])
        try await administration.setCommitted(found, group: "g", topic: "t")
        #expect(try await inner.committed(group: "g", topic: "t") == found)
        #expect(try await administration.groups().map(\.group) == ["g"])
        #expect(try await administration.deleteGroup("g", topic: "t"))
        #expect(try await inner.groups().isEmpty)
    }

    @Test func aBrokerWithoutAdministrationHasNoneBehindFaultsEither() async throws {
        let inner = TinyBroker()
        _ = try await inner.ensureTopic("t", partitions: 1)
        let broker = FaultInjectingBroker(inner)
        for call: @Sendable () async throws -> Void in [
            { _ = try await broker.groups() }, { _ = try await broker.positions(of: "t", atOrAfterMs: 0) },
            { try await broker.setCommitted([:], group: "g", topic: "t") },
            { try await broker.deleteGroup("g", topic: "t") },
        ] {
            let error = await #expect(throws: BrokerError.self) { try await call() }
            #expect(error?.code == .unsupported)
        }
        #expect(try await Array(broker.beginPositions(of: "t").values) == [.start])
    }
}
