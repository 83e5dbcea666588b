public import Spillway

/// What operators do with groups, handed on without faults. Where the inner broker does not keep groups for operators,
/// it fails with `BrokerError.Code.unsupported`, but for the begins of partitions, which are `Position.start` then.
extension FaultInjectingBroker: GroupAdministration {
    private func administration() throws -> any GroupAdministration {
        guard let administration = inner as? any GroupAdministration else {
            throw BrokerError(.unsupported, "the broker \(source) has no administration of groups")
        }
        return administration
    }

    /// The inner broker's groups.
    public func groups() async throws -> [GroupSummary] { try await administration().groups() }

    /// Forgets a group.
    @discardableResult
    public func deleteGroup(_ group: String, topic: String) async throws -> Bool {
        try await administration().deleteGroup(group, topic: topic)
    }

    /// Sets where a group will begin.
    public func setCommitted(_ positions: [TopicPartition: Position], group: String, topic: String) async throws {
        try await administration().setCommitted(positions, group: group, topic: topic)
    }

    /// Where the first records at or after a time are.
    public func positions(of topic: String, atOrAfterMs time: Int64) async throws -> [TopicPartition: Position] {
        try await administration().positions(of: topic, atOrAfterMs: time)
    }

    /// Where the partitions begin.
    public func beginPositions(of topic: String) async throws -> [TopicPartition: Position] {
        if inner is any GroupAdministration { return try await administration().beginPositions(of: topic) }
        return try await inner.endPositions(of: topic).mapValues { _ in .start }
    }
}
