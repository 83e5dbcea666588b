import Synchronization

extension InMemoryBroker: GroupAdministration {
    /// All groups of all topics.
    public func groups() async throws -> [GroupSummary] {
        state.withLock { state in
            state.topics.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.flatMap(\.summaries)
        }
    }

    /// Forgets a group without members.
    @discardableResult
    public func deleteGroup(_ group: String, topic: String) async throws -> Bool {
        try state.withLock { state in
            try Self.requireOpen(state)
            let existing = try Self.existing(topic, state)
            guard let known = existing.groups[ExactName(group)] else { return false }
            guard known.members.isEmpty else { throw BrokerError.groupInUse(group, members: known.members.count) }
            state.topics[topic]?.groups[ExactName(group)] = nil
            state.topics[topic]?.lastGeneration = max(existing.lastGeneration, known.lastGeneration)
            return true
        }
    }

    /// Sets where a group without members will begin.
    public func setCommitted(
        _ positions: [TopicPartition: Position], group: String, topic: String
    ) async throws {
        try state.withLock { state in
            try Self.requireOpen(state)
            let existing = try Self.existing(topic, state)
            var known = existing.groups[ExactName(group)] ?? existing.newGroup()
            guard known.members.isEmpty else { throw BrokerError.groupInUse(group, members: known.members.count) }
            for (partition, position) in positions {
                guard existing.logs.indices.contains(partition.partition),
                    partition == existing.partition(partition.partition)
                else { throw BrokerError.unknownPartition(partition) }
                let number = partition.partition
                let kept = min(max(position, existing.begin(of: number)), existing.end(of: number))
                known.committed[number] = GroupState.Stored(position: kept, hint: nil)
            }
            state.topics[topic]?.groups[ExactName(group)] = known
        }
    }

    /// For each partition, where the first record at or after a time is; looks at every record before it.
    public func positions(of topic: String, atOrAfterMs time: Int64) async throws -> [TopicPartition: Position] {
        try state.withLock { state in
            let existing = try Self.existing(topic, state)
            return Dictionary(
                uniqueKeysWithValues: existing.logs.indices.map { number in
                    let found = existing.logs[number].firstPosition { $0.timestampMs >= time }
                    return (existing.partition(number), found ?? existing.end(of: number))
                })
        }
    }
}

extension InMemoryTopic {
    /// The topic's groups in the order of their names' bytes.
    fileprivate var summaries: [GroupSummary] {
        groups.sorted { $0.key.text.utf8.lexicographicallyPrecedes($1.key.text.utf8) }.map { name, group in
            GroupSummary(
                group: name.text, topic: self.name, members: group.members.count, holdsRetention: group.holdsRetention,
                committed: Dictionary(
                    uniqueKeysWithValues: group.committed.map { (partition($0.key), $0.value.position) }),
                lagRecords: logs.indices.reduce(0) { sum, number in
                    sum + logs[number].count(from: group.committed[number]?.position ?? .start)
                })
        }
    }
}
