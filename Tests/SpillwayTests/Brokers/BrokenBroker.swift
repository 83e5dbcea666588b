import Spillway
import Synchronization

/// A broker that breaks one promise.
final class BrokenBroker: Broker {
    enum Fault: String, CaseIterable {
        /// One record in ten is not delivered.
        case losesRecords
        /// Each message is in the log twice.
        case sendsTwice
        /// The fifth and the sixth record of each key change places.
        case reordersKeys
        /// All records come under one key.
        case mixesUpKeys
        /// Who subscribes to a topic gets another one.
        case mixesUpTopics
        /// All groups are one.
        case sharesGroups
        /// Each member is alone in a group of its own.
        case splitsGroups
        /// A commit is moved to the end of the log.
        case commitsEverything
        case forgetsCommits
        /// What was delivered once does not come again, committed or not.
        case neverRepeats
        /// A partition delivers nothing any more once it has moved.
        case silentAfterMoves
        /// A partition goes to its next owner before the last one has given it back.
        case movesAtOnce
        /// A group can't be joined a second time.
        case admitsOnce
        /// A commit does not return in time.
        case hangsOnCommit
        /// Closing does not return in time.
        case hangsOnClose
        case ignoresDemand
        /// Only the first demand counts.
        case forgetsDemand
        case forgetsToResume
    }

    struct State {
        var firstTopic: String?
        var subscriptions = 0
        var groups: Set<String> = []
        /// The position behind what was delivered, and the first generation, by group and partition.
        var delivered: [String: Position] = [:]
        var generations: [String: UInt64] = [:]
        /// How many were sent, and what waits for the next one, by key.
        var sent: [[UInt8]: Int] = [:]
        var late: [[UInt8]: Message] = [:]
    }

    let inner = InMemoryBroker()
    let fault: Fault
    let state = Mutex(State())
    var source: String { inner.source }

    init(_ fault: Fault) { self.fault = fault }

    func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        state.withLock { $0.firstTopic = $0.firstTopic ?? topic }
        return try await inner.ensureTopic(topic, partitions: partitions)
    }

    func partitionCount(of topic: String) async throws -> Int { try await inner.partitionCount(of: topic) }

    func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        switch fault {
        case .sendsTwice: _ = try await inner.send(message, to: topic)
        case .reordersKeys: return try await sendLate(message, to: topic)
        default: break
        }
        return try await inner.send(message, to: topic)
    }

    func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        if fault == .sendsTwice { _ = try await inner.send(messages, to: topic) }
        return try await inner.send(messages, to: topic)
    }

    private func sendLate(_ message: Message, to topic: String) async throws -> SendReceipt {
        let key = message.key ?? []
        let (isLate, late) = state.withLock { state in
            state.sent[key, default: 0] += 1
            guard state.sent[key] == 5 else { return (false, state.late.removeValue(forKey: key)) }
            state.late[key] = message
            return (true, nil)
        }
        if isLate {
            let partition = TopicPartition(source: source, topic: topic, partition: 0)
            return SendReceipt(durability: .logged, partition: partition, position: nil)
        }
        let receipt = try await inner.send(message, to: topic)
        if let late { _ = try await inner.send(late, to: topic) }
        return receipt
    }

    func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        let (number, isNew, firstTopic) = state.withLock { state in
            state.subscriptions += 1
            return (state.subscriptions, state.groups.insert(request.group).inserted, state.firstTopic)
        }
        var request = request
        switch fault {
        case .mixesUpTopics: request.topic = firstTopic ?? request.topic
        case .splitsGroups: request.group += "-\(number)"
        case .admitsOnce:
            guard isNew else { throw BrokerError(.failed, "the group is closed", isRetriable: true) }
        default: break
        }
        request.group = name(of: request.group)
        return BrokenSubscription(try await inner.subscribe(request), self, request)
    }

    func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        try await inner.committed(group: name(of: group), topic: topic)
    }

    func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try await inner.endPositions(of: topic)
    }

    func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        try await inner.recordCounts(from: positions, of: topic)
    }

    private func name(of group: String) -> String { fault == .sharesGroups ? "all" : group }
}

private final class BrokenSubscription: Subscription {
    private let inner: any Subscription
    private let broker: BrokenBroker
    private let request: SubscriptionRequest
    private let delivered = Mutex(0)
    private let hasDemand = Mutex(false)
    private var fault: BrokenBroker.Fault { broker.fault }

    init(_ inner: any Subscription, _ broker: BrokenBroker, _ request: SubscriptionRequest) {
        self.inner = inner
        self.broker = broker
        self.request = request
        if fault == .ignoresDemand { inner.request(records: 100_000, bytes: 1 << 30) }
    }

    func next() async throws -> SubscriptionEvent? {
        let event = try await inner.next()
        switch event {
        case .records(let batch): return .records(changed(batch))
        case .revoking(let partitions):
            if fault == .movesAtOnce { inner.completeRevocation(of: partitions) }
            return event
        case .assigned, .lost, nil: return event
        }
    }

    private func changed(_ batch: RecordBatch) -> RecordBatch {
        var batch = batch
        let place = "\(request.group) \(batch.partition)"
        switch fault {
        case .losesRecords:
            let before = delivered.withLock { count in
                defer { count += batch.records.count }
                return count
            }
            batch.records = batch.records.enumerated().filter { (before + $0.offset) % 10 != 3 }.map(\.element)
        case .mixesUpKeys:
            batch.records = batch.records.map { record in
                Record(
                    key: [0], value: record.value.map { Array($0) }, position: record.position,
                    timestampMs: record.timestampMs)
            }
        case .neverRepeats:
            broker.state.withLock { state in
                let from = state.delivered[place] ?? .start
                batch.records.removeAll { $0.position.map { $0 < from } ?? false }
                if let last = batch.records.last?.position { state.delivered[place] = last.successor }
            }
        case .silentAfterMoves:
            let first = broker.state.withLock { state in
                state.generations[place] = state.generations[place] ?? batch.generation
                return state.generations[place]
            }
            if batch.generation != first { batch.records = [] }
        default: break
        }
        return batch
    }

    func commit(_ commits: [Commit]) async throws {
        switch fault {
        case .forgetsCommits: break
        case .hangsOnCommit:
            // Bounded, and ended by cancellation: a test that finds it has an end.
            try await Task.sleep(for: .seconds(30))
        case .commitsEverything:
            let ends = try await broker.endPositions(of: request.topic)
            try await inner.commit(
                commits.map { commit in
                    var commit = commit
                    commit.next = ends[commit.partition] ?? commit.next
                    return commit
                })
        default: try await inner.commit(commits)
        }
    }

    func request(records: Int, bytes: Int) {
        if fault == .forgetsDemand {
            let isFirst = hasDemand.withLock { hasDemand in
                defer { hasDemand = true }
                return !hasDemand
            }
            guard isFirst else { return }
        }
        inner.request(records: records, bytes: bytes)
    }

    func fetchNow() { inner.fetchNow() }

    func pause(_ partitions: [TopicPartition]) { inner.pause(partitions) }

    func resume(_ partitions: [TopicPartition]) { if fault != .forgetsToResume { inner.resume(partitions) } }

    func seek(_ partition: TopicPartition, to position: Position) { inner.seek(partition, to: position) }

    func completeRevocation(of partitions: [TopicPartition]) { inner.completeRevocation(of: partitions) }

    func close() async {
        if fault == .hangsOnClose { try? await Task.sleep(for: .seconds(3)) }
        await inner.close()
    }
}
