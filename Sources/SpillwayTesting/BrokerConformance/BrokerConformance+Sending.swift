import Spillway

extension BrokerConformance {
    static let sendingChecks: [(name: String, check: Check)] = [
        ("topics are made once, with valid names", { try await $0.topics() }),
        ("a message arrives as it was sent", { try await $0.roundTrip() }),
        ("a receipt names where the record is", { try await $0.receipts() }),
        ("a sent message is visible at once, and nothing beyond the end is", { try await $0.durableOnReturn() }),
        ("a position is given once, over restarts too", { try await $0.positionsOverRestarts() }),
        ("records of one key keep the order of their sends", { try await $0.orderPerKey() }),
        ("a batch is written whole", { try await $0.batches() }),
        ("a batch with a bad message is not written", { try await $0.badBatches() }),
    ]

    private func topics() async throws {
        let broker = try await makeBroker()
        let topic = Self.freshName("topics")
        try requireEqual(try await broker.ensureTopic(topic, partitions: 3), 3, "the partitions of a new topic")
        try requireEqual(try await broker.ensureTopic(topic, partitions: 3), 3, "the partitions of the same topic")
        try requireEqual(try await broker.partitionCount(of: topic), 3, "partitionCount")
        try await requireError(.partitionCountDiffers, "another count") {
            _ = try await broker.ensureTopic(topic, partitions: 4)
        }
        for name in ["", "a b", "a/b", "ä", "a\0b", String(repeating: "x", count: 250)] {
            try await requireError(.invalidTopic, "the name \(name.debugDescription)") {
                _ = try await broker.ensureTopic(name, partitions: 1)
            }
        }
        _ = try await broker.ensureTopic(String(repeating: "x", count: 249), partitions: 1)
        let unknown = Self.freshName("unknown")
        try await requireError(.unknownTopic, "partitionCount") { _ = try await broker.partitionCount(of: unknown) }
        try await requireError(.unknownTopic, "send") { _ = try await broker.send(.text("k", "v"), to: unknown) }
        try await requireError(.unknownTopic, "endPositions") { _ = try await broker.endPositions(of: unknown) }
        try await requireError(.unknownTopic, "subscribe") {
            _ = try await broker.subscribe(SubscriptionRequest(topic: unknown, group: "g"))
        }
    }

    private func roundTrip() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let messages = [
            Message(key: [0, 255, 1], value: [9, 0, 9], timestampMs: 1_234),
            Message(key: Array("tombstone".utf8), value: nil),
            Message(key: [], value: []),
            Message(key: nil, value: [1]),
            Message(
                key: [1], value: [2],
                headers: [
                    Header(name: "trace", value: [0, 255]), Header(name: "trace", value: []),
                    Header(name: "", value: [1]),
                ]),
            Message(key: [7], value: Array(repeating: 7, count: 100_000), timestampMs: 0),
        ]
        for message in messages { _ = try await broker.send(message, to: topic) }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all messages arrive") { member.seen.records.count == messages.count }
            for (record, message) in zip(member.seen.records, messages) {
                try requireEqual(record.key.map(Array.init), message.key, "the key")
                try requireEqual(record.value.map(Array.init), message.value, "the value")
                try requireEqual(record.headers, message.headers, "the headers")
                if let timestamp = message.timestampMs {
                    try requireEqual(record.timestampMs, timestamp, "the timestamp")
                }
            }
        }
    }

    private func receipts() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let sent = (0..<200).map { (key: "key\($0 % 17)", value: "\($0)") }
        let receipts = try await send(sent, to: topic, broker)
        var last: [TopicPartition: Position] = [:]
        var partitionOfKey: [String: TopicPartition] = [:]
        for (item, receipt) in zip(sent, receipts) {
            guard let position = receipt.position else { throw ConformanceFailure("a logged record has a position") }
            try requireEqual(receipt.durability, .logged, "the durability")
            try require(!receipt.isDuplicate, "a message without a token is no duplicate")
            try require(last[receipt.partition].map { $0 < position } ?? true, "positions of a partition ascend")
            last[receipt.partition] = position
            try require(
                partitionOfKey.updateValue(receipt.partition, forKey: item.key).map { $0 == receipt.partition } ?? true,
                "a key stays in its partition")
        }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all messages arrive") { member.seen.records.count == sent.count }
            var found: [String: (TopicPartition, Position?)] = [:]
            for batch in member.seen.batches {
                try require(!batch.records.isEmpty, "a batch is never empty")
                for record in batch.records {
                    found[String(decoding: record.value ?? [], as: UTF8.self)] = (batch.partition, record.position)
                }
            }
            for (item, receipt) in zip(sent, receipts) {
                let (partition, position) = found[item.value] ?? (receipt.partition, nil)
                try requireEqual(partition, receipt.partition, "the partition of \(item.value)")
                try requireEqual(position, receipt.position, "the position of \(item.value)")
            }
        }
    }

    private func durableOnReturn() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            for number in 0..<100 {
                let receipt = try await broker.send(.text("k\(number % 5)", "\(number)"), to: topic)
                let end = try await broker.endPositions(of: topic)[receipt.partition] ?? .start
                try require(receipt.position.map { $0 < end } ?? false, "the end is after what was sent")
                try await eventually("a sent record arrives") { member.seen.values.contains("\(number)") }
            }
            let ends = try await broker.endPositions(of: topic)
            try requireEqual(ends.count, 2, "the number of partitions with an end")
            for batch in member.seen.batches {
                try require(
                    batch.records.allSatisfy { ($0.position ?? .start) < ends[batch.partition] ?? .start },
                    "nothing is delivered beyond the end")
            }
        }
    }

    private func positionsOverRestarts() async throws {
        guard let reopen else { return }
        let (first, topic) = try await brokerWithTopic(partitions: 2)
        var broker = first
        var given: [TopicPartition: [Position]] = [:]
        for _ in 0..<3 {
            for receipt in try await send((0..<20).map { ("key\($0)", "v") }, to: topic, broker) {
                guard let position = receipt.position else {
                    throw ConformanceFailure("a logged record has a position")
                }
                try require(
                    given[receipt.partition]?.last.map { $0 < position } ?? true,
                    "the position \(position) is behind all that were given, as \(given[receipt.partition] ?? []) were")
                given[receipt.partition, default: []].append(position)
            }
            broker = try await reopen(broker)
        }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all come") { member.seen.records.count >= 60 }
            for (partition, positions) in given {
                let found = member.seen.batches.filter { $0.partition == partition }.flatMap(\.records)
                try requireEqual(found.compactMap(\.position), positions, "the positions of \(partition)")
            }
        }
    }

    private func orderPerKey() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for sender in 0..<20 {
                group.addTask {
                    for number in 0..<50 { _ = try await broker.send(.text("key\(sender)", "\(number)"), to: topic) }
                }
            }
            try await group.waitForAll()
        }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all messages arrive") { member.seen.records.count == 1_000 }
            var next: [String: Int] = [:]
            for record in member.seen.records {
                let key = String(decoding: record.key ?? [], as: UTF8.self)
                try requireEqual(
                    String(decoding: record.value ?? [], as: UTF8.self), "\(next[key, default: 0])",
                    "the next record of \(key)")
                next[key, default: 0] += 1
            }
        }
    }

    private func batches() async throws {
        guard features.atomicBatches else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        try requireEqual(try await broker.send([], to: topic).count, 0, "the receipts of no messages")
        let receipts = try await broker.send((0..<100).map { .text("key\($0)", "\($0)") }, to: topic)
        try requireEqual(receipts.count, 100, "the number of receipts")
        try require(Set(receipts.map(\.partition)).count > 1, "the keys spread over partitions")
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("all messages arrive") { member.seen.records.count == 100 }
            let positions = Dictionary(
                zip(member.seen.values, member.seen.records.map(\.position)), uniquingKeysWith: { first, _ in first })
            for (number, receipt) in receipts.enumerated() {
                try requireEqual(positions["\(number)"] ?? nil, receipt.position, "the position of message \(number)")
            }
        }
    }

    private func badBatches() async throws {
        guard features.atomicBatches, let limit = features.maxMessageBytes else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let large = Message(key: [1], value: Array(repeating: 0, count: limit + 1))
        try await requireError(.messageTooLarge, "a message over the limit") {
            _ = try await broker.send(large, to: topic)
        }
        try await requireError(.messageTooLarge, "a batch with a message over the limit") {
            _ = try await broker.send([.text("a", "1"), large, .text("b", "2")], to: topic)
        }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            _ = try await broker.send(.text("a", "after"), to: topic)
            try await eventually("a record arrives") { !member.seen.records.isEmpty }
            try requireEqual(member.seen.values, ["after"], "what was written")
        }
    }

    /// A fresh broker with a fresh topic.
    func brokerWithTopic(partitions: Int) async throws -> (any Broker, String) {
        let broker = try await makeBroker()
        let topic = Self.freshName("topic")
        _ = try await broker.ensureTopic(topic, partitions: partitions)
        return (broker, topic)
    }
}
