/// A message queue behind the platform's programming model.
///
/// Guarantees that every broker keeps, and that `BrokerConformance` in SpillwayTesting checks: a send returns only
/// when the message is durable (G1); a subscription delivers only what is durable; within a partition records come in
/// the order of their positions; a position once given is never given to another record of the same epoch.
public protocol Broker: Sendable {
    /// The broker's name: the `source` of its partitions.
    var source: String { get }

    /// Makes the topic if it is not there, and returns how many partitions it has.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/invalidTopic`` for a bad name; with
    ///   ``BrokerError/Code/partitionCountDiffers`` if the topic exists with another number of partitions.
    func ensureTopic(_ topic: String, partitions: Int) async throws -> Int

    /// The number of partitions of a topic.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/unknownTopic``.
    func partitionCount(of topic: String) async throws -> Int

    /// Sends one message; returns when it is durable.
    ///
    /// - Throws: `BrokerError`; with ``BrokerError/Code/outcomeUnknown`` only if it may or may not have become durable.
    func send(_ message: Message, to topic: String) async throws -> SendReceipt

    /// Sends several messages as one: all become durable or none. Receipts come in the order of the messages.
    ///
    /// A deduplication token may be on the first message only and then covers them all. A broker whose queue can't
    /// write across partitions at once says so with ``BrokerError/Code/unsupported``.
    func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt]

    /// Joins a consumer group and starts to receive.
    func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription

    /// What a group has committed, for the partitions where it has: the position that it will read next.
    func committed(group: String, topic: String) async throws -> [TopicPartition: Position]

    /// For each partition, the position that the next durable record will at least have.
    func endPositions(of topic: String) async throws -> [TopicPartition: Position]

    /// How many records each partition holds at or after a position, for lag. May be an estimate, but is zero at the end
    /// alone.
    ///
    /// By default the distance of the low words from the end, which suits brokers whose positions count the
    /// partition's own records.
    func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int]
}

extension Broker {
    /// The distance of the low words from the end.
    public func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        let ends = try await endPositions(of: topic)
        var counts: [TopicPartition: Int] = [:]
        for (partition, position) in positions {
            guard let end = ends[partition], end > position else { continue }
            counts[partition] = Int(clamping: end.high == position.high ? end.low - position.low : end.low)
        }
        return counts
    }
}

/// What a subscription asks for.
public struct SubscriptionRequest: Sendable {
    /// Where a group that has committed nothing begins.
    public enum Start: Hashable, Sendable {
        /// At the oldest record that is kept.
        case earliest
        /// After the newest record that is there when a partition is assigned. A ``Consumer`` commits that place at
        /// once, and so should whoever subscribes: until there is a commit, the next assignment begins after what is
        /// newest then, and what was delivered and not handled in between is passed over.
        case latest
    }

    /// The topic.
    public var topic: String
    /// The consumer group; the partitions of a topic are shared out among the members of a group.
    public var group: String
    /// This member's name, for people.
    public var member: String
    /// Where to begin without a commit; default ``Start/earliest``.
    public var start: Start
    /// Also holds retention back: the embedded broker keeps what the group has not committed durably. Default true.
    public var holdsRetention: Bool
    /// The least time between two fetches, so that each finds more; ``Subscription/fetchNow()`` ends the wait for one. A
    /// broker that can't keep it fetches sooner. Default zero.
    public var fetchInterval: Duration

    /// Makes a request.
    public init(
        topic: String, group: String, member: String = "", start: Start = .earliest, holdsRetention: Bool = true,
        fetchInterval: Duration = .zero
    ) {
        self.topic = topic
        self.group = group
        self.member = member
        self.start = start
        self.holdsRetention = holdsRetention
        self.fetchInterval = fetchInterval
    }
}

/// A member of a consumer group.
///
/// One task calls ``next()`` at a time; everything else may be called from anywhere. Records arrive only against
/// demand; membership events arrive always, so that a consumer without free permits stays in its group.
public protocol Subscription: Sendable {
    /// Waits for the next event; `nil` after ``close()``. Throws `CancellationError` when its task is cancelled.
    func next() async throws -> SubscriptionEvent?

    /// Adds to the demand. No more records than demanded are delivered; bytes may be passed by one record, and what
    /// was delivered beyond is taken off what is demanded next.
    func request(records: Int, bytes: Int)

    /// Fetches what there is at once, whatever the request's fetch interval says; for somebody who waits for it. By default
    /// does nothing.
    func fetchNow()

    /// Delivers no more records of these partitions until ``resume(_:)``; survives reassignments. What was fetched of
    /// them and not delivered comes after that, and gives its demand back until then.
    ///
    /// Holds for every call of ``next()`` that begins after this has returned.
    func pause(_ partitions: [TopicPartition])

    /// Delivers records of these partitions again.
    func resume(_ partitions: [TopicPartition])

    /// The next record delivered of the partition is the first at or after the position. Records fetched before are
    /// dropped by the broker, and their demand is given back; also if the partition has gone meanwhile.
    ///
    /// Holds for every call of ``next()`` that begins after this has returned. One that is under way may still return
    /// records of the old place, or already those of the new one; the consumer drops them and seeks again.
    func seek(_ partition: TopicPartition, to position: Position)

    /// Stores, for each partition, the position to read next, which may be before the one that is stored. Not durable
    /// before a later sync where the broker says so. If one commit is of a partition that this member no longer owns, or
    /// of another generation than its own, the call is refused and stores nothing.
    ///
    /// - Throws: `BrokerError` with ``BrokerError/Code/notOwner``.
    func commit(_ commits: [Commit]) async throws

    /// Answers ``SubscriptionEvent/revoking(_:)``: the partitions may go to others now.
    func completeRevocation(of partitions: [TopicPartition])

    /// Leaves the group. ``next()`` returns `nil` from now on.
    func close() async
}

extension Subscription {
    /// Does nothing: right for brokers without fetch intervals.
    public func fetchNow() {}
}

/// A position to store for a partition.
public struct Commit: Hashable, Sendable {
    /// The partition.
    public var partition: TopicPartition
    /// The generation of the assignment under which the work was done.
    public var generation: UInt64
    /// The lowest position that is not finished.
    public var next: Position
    /// What is finished above `next`: the engine's own encoding, kept if the broker can, and bounded.
    public var hint: [UInt8]?

    /// Makes a commit.
    public init(partition: TopicPartition, generation: UInt64, next: Position, hint: [UInt8]? = nil) {
        self.partition = partition
        self.generation = generation
        self.next = next
        self.hint = hint
    }
}

/// A partition that a member now owns.
public struct Assignment: Hashable, Sendable {
    /// The partition.
    public var partition: TopicPartition
    /// Grows with each assignment of this partition within the group, also when the group was deleted in between, and
    /// over restarts of a broker whose groups outlive its process. One without a memory, as ``InMemoryBroker``, begins
    /// anew with its process: a fence that is kept for longer must not compare what it gives.
    public var generation: UInt64
    /// Where delivery begins unless the consumer seeks.
    public var start: Position
    /// The hint of the last commit.
    public var hint: [UInt8]?

    /// Makes an assignment.
    public init(partition: TopicPartition, generation: UInt64, start: Position, hint: [UInt8]? = nil) {
        self.partition = partition
        self.generation = generation
        self.start = start
        self.hint = hint
    }
}

/// Records of one partition, in the order of their positions.
public struct RecordBatch: Sendable {
    /// The partition.
    public var partition: TopicPartition
    /// The generation of the assignment under which they were fetched.
    public var generation: UInt64
    /// The records; never empty.
    public var records: [Record]

    /// Makes a batch.
    public init(partition: TopicPartition, generation: UInt64, records: [Record]) {
        self.partition = partition
        self.generation = generation
        self.records = records
    }
}

/// What a subscription tells its consumer.
public enum SubscriptionEvent: Sendable {
    /// These partitions are this member's now.
    case assigned([Assignment])
    /// These partitions will go: finish, commit, then `completeRevocation`.
    case revoking([TopicPartition])
    /// These partitions are gone already: nothing more may be committed for them.
    case lost([TopicPartition])
    /// Records against demand.
    case records(RecordBatch)
}
