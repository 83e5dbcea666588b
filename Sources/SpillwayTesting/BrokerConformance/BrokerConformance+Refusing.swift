import Spillway
import SpillwayCore

/// What a broker can't do it says, with `BrokerError.Code.unsupported`: who asked would else believe that it was done.
extension BrokerConformance {
    static let refusingChecks: [(name: String, check: Check)] = [
        ("who can't write several messages as one refuses them", { try await $0.severalRefused() }),
        ("who keeps no tokens refuses them", { try await $0.tokensRefused() }),
        ("a delivery time is kept or refused", { try await $0.deliveryTime() }),
    ]

    /// What is refused leaves nothing behind.
    private func requireOnlyWhatFollows(_ broker: any Broker, _ topic: String) async throws {
        _ = try await broker.send(.text("after", "after"), to: topic)
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("a record arrives") { member.seen.values.contains("after") }
            try requireEqual(member.seen.values, ["after"], "what was written")
        }
    }

    private func severalRefused() async throws {
        guard !features.atomicBatches else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 4)
        try await requireError(.unsupported, "a batch across partitions") {
            _ = try await broker.send((0..<20).map { .text("key\($0)", "\($0)") }, to: topic)
        }
        try await requireOnlyWhatFollows(broker, topic)
    }

    private func tokensRefused() async throws {
        guard !features.deduplication else { return }
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let token = Deduplication(scope: [1], token: [2], fingerprint: 3)
        try await requireError(.unsupported, "a token") {
            _ = try await broker.send(.text("k", "1", deduplication: token), to: topic)
        }
        try await requireOnlyWhatFollows(broker, topic)
    }

    private func deliveryTime() async throws {
        let (broker, topic) = try await brokerWithTopic(partitions: 1)
        let clock = SystemTimeSource()
        let begin = clock.now()
        var late = Message.text("k", "late")
        late.deliverAtMs = clock.wallMilliseconds() + 1_000
        do {
            _ = try await broker.send(late, to: topic)
        } catch let error as BrokerError {
            try requireEqual(error.code, .unsupported, "the error of a delivery time")
            return try await requireOnlyWhatFollows(broker, topic)
        }
        try await withMember(broker, SubscriptionRequest(topic: topic, group: "g")) { member in
            try await eventually("it comes") { member.seen.values == ["late"] }
            // Half of it: the broker's clock may not be quite that of here.
            try require(clock.now() - begin >= .milliseconds(500), "it does not come before its time")
        }
    }
}
