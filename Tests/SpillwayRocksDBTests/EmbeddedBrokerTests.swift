import Spillway
import SpillwayRocksDB
import Testing

@Suite struct EmbeddedBrokerTests {
    @Test func recordsComeBackInOrderWithEverything() async throws {
        let fixture = try BrokerFixture()
        let broker = fixture.broker
        #expect(try await broker.ensureTopic("t", partitions: 4) == 4)
        let subscription = try await broker.subscribe(.init(topic: "t", group: "g"))
        var sent: [SendReceipt] = []
        for number in 0..<100 {
            sent.append(
                try await broker.send(
                    Message(
                        key: bytes("k\(number % 7)"), value: bytes("v\(number)"),
                        headers: [.init(name: "n", value: bytes("\(number)")), .init(name: "", value: [])],
                        timestampMs: Int64(number)), to: "t"))
        }
        #expect(sent.map { $0.position!.low } == (1...100).map(UInt64.init))
        let records = try await subscription.take(100).sorted { $0.record.position! < $1.record.position! }
        for (number, entry) in records.enumerated() {
            #expect(entry.partition == KeyPartitioner.partition(for: bytes("k\(number % 7)"), of: 4))
            #expect(entry.record.position == sent[number].position)
            #expect(entry.record.key.map(Array.init) == bytes("k\(number % 7)"))
            #expect(entry.record.value.map(Array.init) == bytes("v\(number)"))
            #expect(entry.record.timestampMs == Int64(number))
            #expect(
                entry.record.headers == [.init(name: "n", value: bytes("\(number)")), .init(name: "", value: [])])
        }
        await subscription.close()
        try await fixture.close()
    }

    @Test func whatWasSentSurvivesAReopen() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        for number in 0..<10 { _ = try await fixture.broker.send(Message(value: bytes("\(number)")), to: "t") }
        try await fixture.reopen()
        #expect(try await fixture.broker.partitionCount(of: "t") == 2)
        let next = try await fixture.broker.send(Message(value: nil), to: "t")
        #expect(next.position?.low == 11)
        let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
        let records = try await subscription.take(11)
        #expect(records.count == 11)
        #expect(records.filter { $0.record.value == nil }.count == 1)
        try await fixture.close()
    }

    @Test func severalMessagesStandTogether() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 3)
        let receipts = try await fixture.broker.send((0..<50).map { Message(value: bytes("\($0)")) }, to: "t")
        #expect(receipts.map { $0.position!.low } == (1...50).map(UInt64.init))
        #expect(Set(receipts.map(\.partition.partition)) == [0, 1, 2])
        try await fixture.close()
    }

    @Test func commitsSurviveAReopen() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 1)
        for number in 0..<10 { _ = try await fixture.broker.send(Message(value: bytes("\(number)")), to: "t") }
        let subscription = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
        let partition = TopicPartition(source: "embedded", topic: "t", partition: 0)
        let assignment = try await subscription.assignment(of: partition)
        let records = try await subscription.take(4)
        let next = records[3].record.position!.successor
        try await subscription.commit([
            Commit(partition: partition, generation: assignment.generation, next: next, hint: [7])
        ])
        try await fixture.reopen()
        #expect(try await fixture.broker.committed(group: "g", topic: "t") == [partition: next])
        let again = try await fixture.broker.subscribe(.init(topic: "t", group: "g"))
        let second = try await again.assignment(of: partition)
        #expect(second.start == next && second.hint == [7] && second.generation > assignment.generation)
        #expect(try await again.take(6).map { Array($0.record.value!) } == (4..<10).map { bytes("\($0)") })
        try await fixture.close()
    }

    @Test func deduplicationTokensHoldAcrossAReopen() async throws {
        let fixture = try BrokerFixture()
        _ = try await fixture.broker.ensureTopic("t", partitions: 2)
        func message(_ token: String, _ fingerprint: UInt64 = 1, quota: Int = 10) -> Message {
            Message(
                key: bytes("k"), value: bytes("v"),
                deduplication: .init(
                    scope: bytes("u"), token: bytes(token), fingerprint: fingerprint, quota: quota))
        }
        let first = try await fixture.broker.send(message("a"), to: "t")
        #expect(!first.isDuplicate)
        try await fixture.reopen()
        let second = try await fixture.broker.send(message("a"), to: "t")
        #expect(second.isDuplicate)
        #expect(second.position == first.position)
        let mismatch = await #expect(throws: BrokerError.self) {
            try await fixture.broker.send(message("a", 2), to: "t")
        }
        #expect(mismatch?.code == .deduplicationMismatch)
        _ = try await fixture.broker.send(message("b", quota: 2), to: "t")
        let quota = await #expect(throws: BrokerError.self) {
            try await fixture.broker.send(message("c", quota: 2), to: "t")
        }
        #expect(quota?.code == .deduplicationQuota)
        #expect(try await fixture.broker.endPositions(of: "t").values.allSatisfy { $0.low == 3 })
        try await fixture.close()
    }

    @Test func concurrentSendsOfOneTokenWriteOnce() async throws {
        let fixture = try BrokerFixture()
        let broker = fixture.broker
        _ = try await broker.ensureTopic("t", partitions: 2)
        let receipts = try await withThrowingTaskGroup(of: SendReceipt.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await broker.send(
                        Message(
                            value: bytes("v"),
                            deduplication: .init(scope: bytes("u"), token: bytes("a"), fingerprint: 1)), to: "t")
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(receipts.filter { !$0.isDuplicate }.count == 1)
        #expect(Set(receipts.map(\.position)).count == 1)
        try await fixture.close()
    }

    @Test func replayGivesEverythingOnce() async throws {
        let fixture = try BrokerFixture()
        let broker = fixture.broker
        _ = try await broker.ensureTopic("t", partitions: 2)
        for number in 0..<20 { _ = try await broker.send(Message(value: bytes("\(number)")), to: "t") }
        try await fixture.reopen()
        let seen = Seen()
        try await fixture.broker.replay("t", from: [0: .start, 1: .start]) { seen.add($0.records.count) }
        #expect(seen.count == 20)
        try await fixture.close()
    }

    @Test func unknownTopicsAreNamed() async throws {
        let fixture = try BrokerFixture()
        let unknown = await #expect(throws: BrokerError.self) {
            try await fixture.broker.send(Message(value: nil), to: "nope")
        }
        #expect(unknown?.code == .unknownTopic)
        let invalid = await #expect(throws: BrokerError.self) {
            try await fixture.broker.ensureTopic("a/b", partitions: 1)
        }
        #expect(invalid?.code == .invalidTopic)
        try await fixture.close()
    }
}
