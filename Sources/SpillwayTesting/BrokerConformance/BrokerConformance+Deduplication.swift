import Spillway

extension BrokerConformance {
    static let deduplicationChecks: [(name: String, check: Check)] = [
        ("a repeated token changes nothing", { try await $0.repeatedToken() }),
        ("concurrent sends of one token are one", { try await $0.concurrentTokens() }),
        ("a token with another fingerprint is refused", { try await $0.otherFingerprint() }),
        ("a scope has a quota of tokens", { try await $0.tokenQuota() }),
        ("a token covers its whole batch", { try await $0.batchToken() }),
        ("a token expires", { try await $0.tokenExpires() }),
    ]

    private func token(
        _ scope: UInt8 = 1, _ token: UInt8 = 1, fingerprint: UInt64 = 1, lifetimeMs: Int64 = 86_400_000,
        quota: Int = 10_000
    ) -> Deduplication {
        Deduplication(
            scope: [scope], token: [token], fingerprint: fingerprint, lifetimeMs: lifetimeMs, quota: quota)
    }

    /// Checks what a topic holds, in any order.
    private func requireValues(_ values: [String], in topic: String, _ broker: any Broker) async throws {
        let request = SubscriptionRequest(topic: topic, group: Self.freshName("check"))
        try await withMember(broker, request) { member in
            try await eventually("\(values.count) records come") { member.seen.records.count >= values.count }
            try await steadily("no more come") { member.seen.values.sorted() == values.sorted() }
        }
    }

    private func repeatedToken() async throws {
        guard features.deduplication else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let first = try await broker.send(.text("k", "1", deduplication: token()), to: topic)
        let second = try await broker.send(.text("k", "1", deduplication: token()), to: topic)
        try require(!first.isDuplicate && second.isDuplicate, "the second is a duplicate, the first is not")
        try requireEqual(second.position, first.position, "the position of the duplicate")
        try requireEqual(second.partition, first.partition, "the partition of the duplicate")
        let other = try await broker.send(.text("k", "2", deduplication: token(2)), to: topic)
        try require(!other.isDuplicate, "a token of another scope is another token")
        try await requireValues(["1", "2"], in: topic, broker)
    }

    private func concurrentTokens() async throws {
        guard features.deduplication else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 2)
        let token = token()
        let receipts = try await withThrowingTaskGroup(of: SendReceipt.self) { group in
            for _ in 0..<50 {
                group.addTask { try await broker.send(.text("k", "1", deduplication: token), to: topic) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try requireEqual(receipts.count { !$0.isDuplicate }, 1, "the number of sends that wrote")
        try requireEqual(Set(receipts.map(\.position)).count, 1, "the number of positions")
        try await requireValues(["1"], in: topic, broker)
    }

    private func otherFingerprint() async throws {
        guard features.deduplication else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        _ = try await broker.send(.text("k", "1", deduplication: token()), to: topic)
        try await requireError(.deduplicationMismatch, "the same token with another fingerprint") {
            _ = try await broker.send(.text("k", "2", deduplication: token(fingerprint: 2)), to: topic)
        }
        try await requireValues(["1"], in: topic, broker)
    }

    private func tokenQuota() async throws {
        guard features.deduplication else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        for number in 0..<3 {
            _ = try await broker.send(
                .text("k", "\(number)", deduplication: token(1, UInt8(number), quota: 3)), to: topic)
        }
        try await requireError(.deduplicationQuota, "a fourth token of three") {
            _ = try await broker.send(.text("k", "x", deduplication: token(1, 9, quota: 3)), to: topic)
        }
        let known = try await broker.send(.text("k", "1", deduplication: token(1, 1, quota: 3)), to: topic)
        try require(known.isDuplicate, "a known token is answered at the quota")
        _ = try await broker.send(.text("k", "other", deduplication: token(2, 9, quota: 3)), to: topic)
        try await requireValues(["0", "1", "2", "other"], in: topic, broker)
    }

    private func batchToken() async throws {
        guard features.deduplication, features.atomicBatches else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 3)
        var messages = (0..<10).map { Message.text("key\($0)", "\($0)") }
        messages[0].deduplication = token()
        let first = try await broker.send(messages, to: topic)
        let second = try await broker.send(messages, to: topic)
        try requireEqual(second.map(\.position), first.map(\.position), "the positions of the repeated batch")
        try require(second.allSatisfy(\.isDuplicate), "every receipt of the repeated batch says duplicate")
        for count in [1, 9, 11] {
            var others = (0..<count).map { Message.text("key\($0)", "\($0)") }
            others[0].deduplication = token()
            try await requireError(.deduplicationMismatch, "the token of ten messages in front of \(count)") {
                _ = try await broker.send(others, to: topic)
            }
        }
        try await requireValues((0..<10).map { "\($0)" }, in: topic, broker)
    }

    private func tokenExpires() async throws {
        guard features.deduplication else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let short = token(lifetimeMs: 50, quota: 1)
        _ = try await broker.send(.text("k", "1", deduplication: short), to: topic)
        var last = try await broker.send(.text("k", "1", deduplication: short), to: topic)
        try await eventually("the token expires") {
            last = try await broker.send(.text("k", "1", deduplication: short), to: topic)
            return !last.isDuplicate
        }
        let other = token(1, 2, lifetimeMs: 50, quota: 1)
        try await eventually("room for another token in the scope") {
            do {
                _ = try await broker.send(.text("k", "2", deduplication: other), to: topic)
                return true
            } catch let error as BrokerError where error.code == .deduplicationQuota { return false }
        }
    }
}
