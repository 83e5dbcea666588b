public import Spillway
internal import SpillwayCore

extension EmbeddedBroker: GroupAdministration {
    /// All groups of all topics. Lags are estimates, since the partitions of a topic share one sequence.
    public func groups() async throws -> [GroupSummary] {
        let logs = allLogs.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return try await administer { broker in logs.flatMap { broker.groups.summaries($0) } }
    }

    /// Forgets a group without members; durable on return.
    @discardableResult
    public func deleteGroup(_ group: String, topic: String) async throws -> Bool {
        let log = try log(topic)
        return try await administer { broker in
            let isGone = try broker.groups.delete(group, log)
            if isGone { try broker.database.sync() }
            return isGone
        }
    }

    /// Sets where a group without members will begin; durable on return.
    public func setCommitted(
        _ positions: [TopicPartition: Position], group: String, topic: String
    ) async throws {
        let log = try log(topic)
        var numbered: [Int: Position] = [:]
        for (partition, position) in positions {
            guard log.partitions.indices.contains(partition.partition), partition == log.partitions[partition.partition]
            else { throw BrokerError.unknownPartition(partition) }
            numbered[partition.partition] = position
        }
        try await administer { [numbered] broker in
            try broker.groups.set(numbered, group, log)
            try broker.database.sync()
        }
    }

    /// For each partition, where the first durable record at or after a time is. Reads the log from its start until it
    /// has found one in each partition, in steps between which others have their turn.
    public func positions(of topic: String, atOrAfterMs time: Int64) async throws -> [TopicPartition: Position] {
        let log = try log(topic)
        var search = LogTimeSearch(log, atOrAfterMs: time)
        while let from = search.next {
            try Task.checkCancellation()
            let before = search
            search = try await administer { broker in
                var search = before
                try search.step(from: from, broker.reader, log)
                return search
            }
        }
        return search.positions(log)
    }

    /// Where the log begins, which its partitions share.
    public func beginPositions(of topic: String) async throws -> [TopicPartition: Position] {
        let log = try log(topic)
        let begin = log.withState { $0.epochs.position(of: $0.start) }
        return log.partitions.reduce(into: [:]) { $0[$1] = begin }
    }

    /// Runs what may wait for the disk on a thread of ours, and tells of the database's errors as a broker does.
    private func administer<Result: Sendable>(
        _ body: @escaping @Sendable (EmbeddedBroker) throws -> Result
    ) async throws -> Result {
        do {
            return try await work.runUnlessClosed { try body(self) }
        } catch let error as DatabaseError where error.code == .noSpace {
            throw BrokerError(.storageFull, "the disk is nearly full: free some space", isRetriable: true, cause: error)
        } catch let error as DatabaseError {
            throw BrokerError(.failed, error.message, cause: error)
        }
    }
}
