/// A consumer group as operators see it.
public struct GroupSummary: Sendable, Equatable {
    /// The group's name.
    public var group: String
    /// The topic that it reads.
    public var topic: String
    /// How many members are connected now.
    public var members: Int
    /// Whether retention keeps what the group has not committed durably.
    public var holdsRetention: Bool
    /// What is committed, by partition; a partition without a commit is left out.
    public var committed: [TopicPartition: Position]
    /// How many durable records lie behind the commits, of all partitions; may be an estimate as
    /// ``Broker/recordCounts(from:of:)`` is.
    public var lagRecords: Int

    /// Makes a summary.
    public init(
        group: String, topic: String, members: Int, holdsRetention: Bool, committed: [TopicPartition: Position],
        lagRecords: Int
    ) {
        self.group = group
        self.topic = topic
        self.members = members
        self.holdsRetention = holdsRetention
        self.committed = committed
        self.lagRecords = lagRecords
    }
}

/// What operators do with consumer groups, where the broker keeps them. Names of groups are compared by their bytes.
public protocol GroupAdministration: Broker {
    /// All groups of all topics, in the order of their topics' and names' bytes.
    func groups() async throws -> [GroupSummary]

    /// Forgets a group: its commits go, and it no longer holds retention. Durable on return. A member that joins under
    /// the name later makes a new group, which begins where its request says.
    ///
    /// - Returns: whether there was such a group.
    /// - Throws: `BrokerError` with ``BrokerError/Code/groupInUse`` if it has members, or
    ///   ``BrokerError/Code/unknownTopic``.
    @discardableResult
    func deleteGroup(_ group: String, topic: String) async throws -> Bool

    /// Sets where a group without members will begin; partitions that are not named stay. Positions may go back or
    /// forth; one before the oldest record that is kept is set to it, one beyond the end to the end, so that no record to
    /// come is passed over. What the group had finished above its commits is forgotten. All partitions or none; durable
    /// on return.
    ///
    /// Makes the group if there is none. It holds no retention until a member that wants it joins, so that a slip in
    /// the name costs no disk.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/groupInUse``, ``BrokerError/Code/unknownTopic``, or
    ///   ``BrokerError/Code/unknownPartition``.
    func setCommitted(_ positions: [TopicPartition: Position], group: String, topic: String) async throws

    /// For each partition, the position of the first durable record whose time is at or after a time in milliseconds
    /// since 1970 UTC; the end of the partition if there is none. Times need not ascend in a log: the first record that
    /// qualifies counts, whatever is behind it. May read the whole log.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/unknownTopic``; `CancellationError`.
    func positions(of topic: String, atOrAfterMs time: Int64) async throws -> [TopicPartition: Position]

    /// For each partition, a position that none of its records stands before, and that is behind all that retention has
    /// removed. Default: where its first record is, as ``positions(of:atOrAfterMs:)`` finds it.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/unknownTopic``; `CancellationError`.
    func beginPositions(of topic: String) async throws -> [TopicPartition: Position]
}

extension GroupAdministration {
    /// Says of each partition where its first record is, or its end.
    public func beginPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try await positions(of: topic, atOrAfterMs: .min)
    }
}
