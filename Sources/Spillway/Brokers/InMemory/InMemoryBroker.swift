public import SpillwayCore
import Synchronization

/// A broker that holds everything in this process's memory, within bounds: for tests, and for what may be lost with
/// the process. Durable means here: as long as the process lives.
///
/// Members of a group own partitions cooperatively; a member has as long as it likes to give one back, see
/// ``expireMembers(ofGroup:topic:)``. Delayed delivery is not supported.
public final class InMemoryBroker: Broker {
    /// What it may hold.
    public struct Limits: Sendable {
        /// Records of one topic; default a million. Beyond it the oldest go that every group which holds retention
        /// back has committed; if there are none, a send fails with ``BrokerError/Code/storageFull``.
        public var maxRecords = 1_000_000
        /// Bytes of one topic's records; default 256 MiB.
        public var maxBytes = 256 << 20
        /// Bytes of one message; default 1 MiB.
        public var maxMessageBytes = 1 << 20
        /// Records in one delivery; default 1,000.
        public var maxFetchRecords = 1_000
        /// Live deduplication tokens of one topic; default a million.
        public var maxDeduplicationTokens = 1_000_000

        /// Makes limits with every default.
        public init() {}
    }

    struct State {
        var topics: [String: InMemoryTopic] = [:]
        var lastMember: UInt64 = 0
        var isClosed = false
    }

    /// The broker's name.
    public let source: String
    let limits: Limits
    let state = Mutex(State())
    private let epoch: UInt64
    private let sharesSequence: Bool
    private let timeSource: any TimeSource

    /// Makes an empty broker.
    ///
    /// - Parameters:
    ///   - source: its name.
    ///   - epoch: the more significant word of every position.
    ///   - sharesSequence: positions ascend over the whole topic, so that each partition's have gaps; default false.
    public init(
        source: String = "memory", limits: Limits = Limits(), epoch: UInt64 = 1, sharesSequence: Bool = false,
        timeSource: any TimeSource = SystemTimeSource()
    ) {
        self.source = source
        self.limits = limits
        self.epoch = epoch
        self.sharesSequence = sharesSequence
        self.timeSource = timeSource
    }

    /// Makes the topic if it is not there, and returns how many partitions it has.
    public func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        try TopicName.validate(topic)
        precondition(partitions > 0, "a topic has at least one partition")
        return try state.withLock { state in
            try Self.requireOpen(state)
            if let existing = state.topics[topic] {
                guard existing.logs.count == partitions else {
                    throw BrokerError(
                        .partitionCountDiffers, "\(topic) has \(existing.logs.count) partitions, not \(partitions)")
                }
                return partitions
            }
            state.topics[topic] = InMemoryTopic(
                name: topic, partitions: partitions, limits: limits, source: source, epoch: epoch,
                shared: sharesSequence)
            return partitions
        }
    }

    /// The number of partitions of a topic.
    public func partitionCount(of topic: String) async throws -> Int {
        try state.withLock { try Self.existing(topic, $0).logs.count }
    }

    /// Sends one message.
    public func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        try await send([message], to: topic)[0]
    }

    /// Sends several messages as one.
    public func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        let nowMs = timeSource.wallMilliseconds()
        try check(messages)
        let (receipts, waiters) = try state.withLock { state in
            try Self.requireOpen(state)
            _ = try Self.existing(topic, state)
            return try Self.append(messages, to: &state.topics[topic]!, limits: limits, nowMs: nowMs)
        }
        for waiter in waiters { waiter.resume() }
        return receipts
    }

    /// Joins a consumer group.
    public func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        let (id, waiters) = try state.withLock { state in
            try Self.requireOpen(state)
            var topic = try Self.existing(request.topic, state)
            state.lastMember += 1
            let id = state.lastMember
            topic.members[id] = InMemoryTopic.Member(group: request.group, start: request.start)
            var group = topic.groups[ExactName(request.group)] ?? topic.newGroup()
            group.holdsRetention = group.holdsRetention || request.holdsRetention
            let events = group.join(id)
            topic.groups[ExactName(request.group)] = group
            let touched = topic.tell(events, group: request.group)
            let waiters = Self.takeWaiters(touched, &topic)
            state.topics[request.topic] = topic
            return (id, waiters)
        }
        for waiter in waiters { waiter.resume() }
        return InMemorySubscription(broker: self, topic: request.topic, group: request.group, id: id)
    }

    /// What a group has committed.
    public func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        try state.withLock { state in
            let topic = try Self.existing(topic, state)
            let stored = topic.groups[ExactName(group)]?.committed ?? [:]
            return Dictionary(
                uniqueKeysWithValues: stored.map { (topic.partition($0.key), $0.value.position) })
        }
    }

    /// For each partition, the position that the next record will at least have.
    public func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try state.withLock { state in
            let topic = try Self.existing(topic, state)
            return Dictionary(
                uniqueKeysWithValues: topic.logs.indices.map { (topic.partition($0), topic.end(of: $0)) })
        }
    }

    /// How many records each partition holds at or after a position; exact.
    public func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        try state.withLock { state in
            let topic = try Self.existing(topic, state)
            var counts: [TopicPartition: Int] = [:]
            for (partition, position) in positions where topic.logs.indices.contains(partition.partition) {
                counts[partition] = topic.logs[partition.partition].count(from: position)
            }
            return counts
        }
    }

    /// Ends every subscription; everything fails with ``BrokerError/Code/closed`` from now on.
    public func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            var waiters: [CheckedContinuation<Void, any Error>] = []
            for name in state.topics.keys {
                for id in state.topics[name]!.members.keys { state.topics[name]!.members[id]!.isClosed = true }
                waiters += Self.takeWaiters(Array(state.topics[name]!.members.keys), &state.topics[name]!)
            }
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private func check(_ messages: [Message]) throws {
        for (index, message) in messages.enumerated() {
            guard message.byteCount <= limits.maxMessageBytes else {
                throw BrokerError(
                    .messageTooLarge, "a message of \(message.byteCount) bytes is over \(limits.maxMessageBytes)")
            }
            guard message.deliverAtMs == nil else {
                throw BrokerError(.unsupported, "the in-memory broker can't delay messages")
            }
            guard index == 0 || message.deduplication == nil else {
                throw BrokerError(.unsupported, "only the first message of a batch may have a deduplication token")
            }
        }
    }

    private static func append(
        _ messages: [Message], to topic: inout InMemoryTopic, limits: Limits, nowMs: Int64
    ) throws -> ([SendReceipt], [CheckedContinuation<Void, any Error>]) {
        guard let first = messages.first else { return ([], []) }
        if let token = first.deduplication,
            let earlier = try topic.deduplication.earlier(token, messages.count, nowMs: nowMs)
        {
            return (earlier, [])
        }
        let size = messages.reduce(0) { $0 + $1.byteCount }
        guard topic.makeRoom(records: messages.count, bytes: size, limits: limits) else {
            throw BrokerError(
                .storageFull, "topic \(topic.name) is full, and what it holds is not committed", isRetriable: true)
        }
        let receipts = topic.append(messages, nowMs: nowMs)
        if let token = first.deduplication { topic.deduplication.keep(token, receipts: receipts, nowMs: nowMs) }
        return (receipts, takeWaiters(Array(topic.members.keys), &topic))
    }

    static func takeWaiters(
        _ ids: [UInt64], _ topic: inout InMemoryTopic
    ) -> [CheckedContinuation<Void, any Error>] {
        var waiters: [CheckedContinuation<Void, any Error>] = []
        for id in ids {
            guard let waiter = topic.members[id]?.waiter else { continue }
            topic.members[id]?.waiter = nil
            waiters.append(waiter)
        }
        return waiters
    }

    static func requireOpen(_ state: State) throws {
        guard !state.isClosed else { throw BrokerError(.closed, "the broker is closed") }
    }

    static func existing(_ topic: String, _ state: State) throws -> InMemoryTopic {
        guard let found = state.topics[topic] else {
            throw BrokerError(.unknownTopic, "there is no topic \(topic); make it with ensureTopic")
        }
        return found
    }
}
