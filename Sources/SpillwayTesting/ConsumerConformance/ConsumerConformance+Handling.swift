import Spillway
import SpillwayCore

extension ConsumerConformance {
    static let handlingChecks: [(name: String, check: Check)] = [
        ("a record that fails comes again, and is not committed before", { try await $0.resending() }),
        ("a handler that does not return holds up its own key only", { try await $0.blocking() }),
        ("a key's records are handled in order beside failures and moves", { try await $0.order() }),
        ("a long retry holds up its own key only", { try await $0.longRetry() }),
        ("a poison record is counted, set aside, and holds nothing up", { try await $0.poison() }),
        ("consumers of several topics keep to their own", { try await $0.severalTopics() }),
        ("each group handles everything", { try await $0.groups() }),
        ("what was sent before its sender went is handled", { try await $0.senderGone() }),
        ("a foreign hint of a commit is harmless", { try await $0.foreignHint() }),
    ]

    private func resending() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        records.tell("0", .fail)
        try await send([("a", "0"), ("b", "1")], to: topic, broker)
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("it is handled again and again") { records.attempts("0") >= 3 }
            try await eventually("the other key goes on") { records.values == ["1"] }
            try await steadily("nothing is committed") { try await uncommitted(broker, topic) == 2 }
            records.tell("0", .handle)
            try await eventually("it works then") { records.values == ["1", "0"] }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func blocking() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        records.tell("0", .block)
        let sent = (0..<60).map { (key: $0 % 3 == 0 ? "slow" : "key\($0)", value: "\($0)") }
        try await send(sent.map { ($0.key, $0.value) }, to: topic, broker)
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("all other keys go on") { records.count == 40 }
            try await steadily("its own key waits") { records.count == 40 }
            try requireEqual(try await uncommitted(broker, topic), 60, "the records not committed")
            records.tell("0", .handle)
            try await eventually("its key goes on then") { records.count == 60 }
            try requireEqual(
                records.byKey["slow"] ?? [], sent.filter { $0.key == "slow" }.map(\.value), "the slow key's order")
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func order() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        let records = HandledRecords()
        let sent = (0..<300).map { (key: Optional("key\($0 % 13)"), value: "\($0)") }
        for number in stride(from: 0, to: 300, by: 11) { records.fail("\(number)", times: 2) }
        try await withConsumer(broker, configuration(topic), records, id: "first") { _ in
            try await send(Array(sent.prefix(150)), to: topic, broker)
            try await eventually("some are handled") { records.count > 20 }
            try await withConsumer(broker, configuration(topic), records, id: "second") { _ in
                try await send(Array(sent.suffix(150)), to: topic, broker)
                try await eventually("most are handled") { records.count > 200 }
            }
            try await eventually("all are handled") { records.count == 300 }
            try await eventuallyCommitted(broker, topic)
        }
        try requireOrder(records, sent)
    }

    private func longRetry() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        records.tell("0", .fail)
        var configuration = configuration(topic)
        configuration.concurrency = 1
        configuration.retry.backoff = Backoff(base: .seconds(3_000), maximum: .seconds(3_600))
        try await send([("slow", "0")] + (1..<50).map { ("key\($0)", "\($0)") }, to: topic, broker)
        try await withConsumer(broker, configuration, records, ending: .killed) { _ in
            try await eventually("all others are handled by the one worker") { records.count == 49 }
        }
        // Its time was not over: it is the next owner's.
        records.tell("0", .handle)
        try await withConsumer(broker, configuration, records) { _ in
            try await eventually("it is not lost") { records.count == 50 }
            try await eventuallyCommitted(broker, topic)
        }
    }

    private func poison() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let records = HandledRecords()
        let store = InMemoryFailureStore()
        records.tell("1", .refuse)
        records.tell("2", .fail)
        var configuration = configuration(topic)
        configuration.retry.maxAttempts = 3
        configuration.retry.whenExhausted = .giveUp
        try await send((0..<20).map { ("key\($0 % 4)", "\($0)") }, to: topic, broker)
        try await withConsumer(broker, configuration, records, failureStore: store) { _ in
            try await eventually("all others are handled") { records.count == 18 }
            try await eventuallyCommitted(broker, topic)
        }
        let letters = try await store.deadLetters(group: "g", after: nil, limit: 10)
        let attempts = letters.map {
            "\(String(decoding: $0.record.value ?? [], as: UTF8.self)): \($0.attempts)"
        }
        // The refused one at once, the other after its attempts: retries come before dead letters.
        try requireEqual(attempts.sorted(), ["1: 1", "2: 3"], "the attempts of the dead letters")
        try requireEqual(records.attempts("2"), 3, "the count of deliveries that the handler saw")
    }

    private func severalTopics() async throws {
        let broker = try await makeBroker()
        let topics = (0..<3).map { _ in BrokerConformance.freshName("topic") }
        for topic in topics { _ = try await broker.ensureTopic(topic, partitions: 2) }
        let records = topics.map { _ in HandledRecords() }
        try await withConsumer(broker, configuration(topics[0]), records[0]) { _ in
            try await withConsumer(broker, configuration(topics[1]), records[1]) { _ in
                try await withConsumer(broker, configuration(topics[2]), records[2]) { _ in
                    for number in 0..<60 {
                        try await send([("key\(number)", "\(number)")], to: topics[number % 3], broker)
                    }
                    try await eventually("each handles its own") { records.allSatisfy { $0.values.count == 20 } }
                }
            }
        }
        for (offset, records) in records.enumerated() {
            let expected = Set((0..<60).filter { $0 % 3 == offset }.map { "\($0)" })
            try requireEqual(Set(records.values), expected, "what the consumer of topic \(offset) handled")
        }
    }

    private func groups() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let (one, two) = (HandledRecords(), HandledRecords())
        try await withConsumer(broker, configuration(topic, group: "one"), one) { _ in
            try await withConsumer(broker, configuration(topic, group: "two"), two) { _ in
                try await send((0..<100).map { ("key\($0)", "\($0)") }, to: topic, broker)
                try await eventually("each handles all") { one.values.count == 100 && two.values.count == 100 }
                try await eventuallyCommitted(broker, topic, group: "one")
                try await eventuallyCommitted(broker, topic, group: "two")
            }
        }
        try requireEqual(Set(one.values).count, 100, "what the first group handled")
        try requireEqual(Set(two.values).count, 100, "what the second group handled")
    }

    private func senderGone() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let sent = try await {
            let producer = try Producer(broker: broker, topic: topic)
            return try await producer.send((0..<100).map { .text("key\($0)", "\($0)") }).count
        }()
        let records = HandledRecords()
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("all are handled") { records.count == sent }
        }
        try requireEqual(records.values.count, 100, "the handlings")
    }

    private func foreignHint() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        try await send((0..<10).map { ("key\($0)", "\($0)") }, to: topic, broker)
        let suite = BrokerConformance(timeout: timeout, makeBroker: makeBroker)
        try await suite.withMember(broker, SubscriptionRequest(topic: topic, group: "g"), demand: 3) { member in
            try await eventually("three come") { member.seen.records.count == 3 }
            var commits = member.commits()
            for index in commits.indices { commits[index].hint = Array("someone else's".utf8) }
            try await member.subscription.commit(commits)
        }
        let records = HandledRecords()
        try await withConsumer(broker, configuration(topic), records) { _ in
            try await eventually("the rest is handled") { records.count == 7 }
            try await eventuallyCommitted(broker, topic)
        }
        try requireEqual(Set(records.values), Set((3..<10).map { "\($0)" }), "what was handled")
    }
}
