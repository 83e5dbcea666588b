import Spillway
import Synchronization

/// A broker that fetches ahead, and breaks one promise; with no fault it keeps them all.
final class UnfaithfulBroker: GroupAdministration {
    enum Fault: String, CaseIterable {
        /// Delivers what it had fetched before a pause.
        case ignoresPauses
        /// Drops what it had fetched before a seek, and keeps its demand.
        case swallowsDemand
        /// Gives positions again after a restart.
        case givesPositionsAgain
        /// Delivers at once what should be delivered later.
        case ignoresDeliveryTimes
        /// Takes tokens, and forgets them.
        case forgetsTokens
        /// Writes several messages one after the other.
        case splitsBatches
        /// Passes over commits that go back.
        case commitsForwardOnly
        /// Sets groups to where nothing is any more.
        case setsBeforeTheOldest
    }

    let inner: InMemoryBroker
    let fault: Fault?
    let topics = Mutex<[String: Int]>([:])
    private let set = Mutex<[TopicPartition: Position]>([:])
    var source: String { inner.source }

    init(_ fault: Fault?) {
        var limits = InMemoryBroker.Limits()
        limits.maxRecords = 2_000
        inner = InMemoryBroker(limits: limits)
        self.fault = fault
    }

    /// The broker after a restart: the same one, unless it forgets what it has given.
    func reopened() async throws -> UnfaithfulBroker {
        guard fault == .givesPositionsAgain else { return self }
        let again = UnfaithfulBroker(fault)
        for (topic, partitions) in topics.withLock({ $0 }) {
            _ = try await again.ensureTopic(topic, partitions: partitions)
        }
        return again
    }

    func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        topics.withLock { $0[topic] = partitions }
        return try await inner.ensureTopic(topic, partitions: partitions)
    }

    func partitionCount(of topic: String) async throws -> Int { try await inner.partitionCount(of: topic) }

    func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        var message = message
        if fault == .ignoresDeliveryTimes { message.deliverAtMs = nil }
        if message.deduplication != nil, fault != .forgetsTokens {
            throw BrokerError(.unsupported, "this broker keeps no tokens")
        }
        message.deduplication = nil
        return try await inner.send(message, to: topic)
    }

    func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        guard fault == .splitsBatches else { throw BrokerError(.unsupported, "this broker writes one at a time") }
        var receipts: [SendReceipt] = []
        for message in messages { receipts.append(try await send(message, to: topic)) }
        return receipts
    }

    func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        UnfaithfulSubscription(try await inner.subscribe(request), self, request)
    }

    func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        let committed = try await inner.committed(group: group, topic: topic)
        guard fault == .setsBeforeTheOldest else { return committed }
        return committed.merging(set.withLock { $0 }) { $1 }
    }

    func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try await inner.endPositions(of: topic)
    }

    func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        try await inner.recordCounts(from: positions, of: topic)
    }

    func groups() async throws -> [GroupSummary] { try await inner.groups() }

    func deleteGroup(_ group: String, topic: String) async throws -> Bool {
        try await inner.deleteGroup(group, topic: topic)
    }

    func setCommitted(_ positions: [TopicPartition: Position], group: String, topic: String) async throws {
        try await inner.setCommitted(positions, group: group, topic: topic)
        set.withLock { $0 = positions }
    }

    func positions(of topic: String, atOrAfterMs time: Int64) async throws -> [TopicPartition: Position] {
        try await inner.positions(of: topic, atOrAfterMs: time)
    }
}

/// Delivers what it fetches in two halves.
private final class UnfaithfulSubscription: Subscription {
    private let inner: any Subscription
    private let broker: UnfaithfulBroker
    private let request: SubscriptionRequest
    /// Fetched, and not delivered yet.
    private let ahead = Mutex<[RecordBatch]>([])

    init(_ inner: any Subscription, _ broker: UnfaithfulBroker, _ request: SubscriptionRequest) {
        self.inner = inner
        self.broker = broker
        self.request = request
    }

    func next() async throws -> SubscriptionEvent? {
        if let batch = ahead.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return .records(batch) }
        guard let event = try await inner.next() else { return nil }
        guard case .records(let batch) = event, batch.records.count > 1 else { return event }
        let half = batch.records.count / 2
        ahead.withLock {
            $0.append(
                RecordBatch(
                    partition: batch.partition, generation: batch.generation, records: Array(batch.records[half...])))
        }
        return .records(
            RecordBatch(
                partition: batch.partition, generation: batch.generation, records: Array(batch.records[..<half])))
    }

    /// Takes back what was fetched of partitions, and goes on where that began.
    private func drop(_ partitions: [TopicPartition], returnsDemand: Bool = true) {
        let dropped = ahead.withLock { ahead in
            defer { ahead.removeAll { partitions.contains($0.partition) } }
            return ahead.filter { partitions.contains($0.partition) }
        }
        for batch in dropped {
            if let first = batch.records.first?.position { inner.seek(batch.partition, to: first) }
            guard returnsDemand else { continue }
            inner.request(records: batch.records.count, bytes: batch.records.reduce(0) { $0 + $1.byteCount })
        }
    }

    func request(records: Int, bytes: Int) { inner.request(records: records, bytes: bytes) }

    func pause(_ partitions: [TopicPartition]) {
        inner.pause(partitions)
        if broker.fault != .ignoresPauses { drop(partitions) }
    }

    func resume(_ partitions: [TopicPartition]) { inner.resume(partitions) }

    func seek(_ partition: TopicPartition, to position: Position) {
        drop([partition], returnsDemand: broker.fault != .swallowsDemand)
        inner.seek(partition, to: position)
    }

    func commit(_ commits: [Commit]) async throws {
        var commits = commits
        if broker.fault == .commitsForwardOnly {
            let committed = try await broker.inner.committed(group: request.group, topic: request.topic)
            commits.removeAll { $0.next < committed[$0.partition] ?? .start }
        }
        try await inner.commit(commits)
    }

    func completeRevocation(of partitions: [TopicPartition]) {
        ahead.withLock { $0.removeAll { partitions.contains($0.partition) } }
        inner.completeRevocation(of: partitions)
    }

    func close() async {
        ahead.withLock { $0 = [] }
        await inner.close()
    }
}
