import Synchronization

/// A member of a group at an ``InMemoryBroker``.
final class InMemorySubscription: Subscription {
    private let broker: InMemoryBroker
    private let topic: String
    private let group: String
    private let id: UInt64

    init(broker: InMemoryBroker, topic: String, group: String, id: UInt64) {
        self.broker = broker
        self.topic = topic
        self.group = group
        self.id = id
    }

    func next() async throws -> SubscriptionEvent? {
        while true {
            try Task.checkCancellation()
            if let answer = poll() { return answer }
            try await wait()
        }
    }

    /// An event, `nil` inside for the end, or nothing yet.
    private func poll() -> SubscriptionEvent?? {
        let maxFetch = broker.limits.maxFetchRecords
        return broker.state.withLock { state -> SubscriptionEvent?? in
            guard let member = state.topics[topic]?.members[id], !member.isClosed else { return .some(nil) }
            guard let event = state.topics[topic]?.nextEvent(for: id, maxFetch: maxFetch) else { return nil }
            return .some(event)
        }
    }

    private func wait() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let maxFetch = broker.limits.maxFetchRecords
                let isReady = broker.state.withLock { state -> Bool in
                    guard var member = state.topics[topic]?.members[id], !member.isClosed else { return true }
                    // Something may have come between the look and the wait.
                    if state.topics[topic]?.hasEvent(for: id, maxFetch: maxFetch) ?? true { return true }
                    precondition(member.waiter == nil, "one task at a time waits for a subscription")
                    member.waiter = continuation
                    state.topics[topic]?.members[id] = member
                    return false
                }
                if isReady { continuation.resume() } else if Task.isCancelled { cancelWait() }
            }
        } onCancel: {
            cancelWait()
        }
    }

    private func cancelWait() {
        let waiter = broker.state.withLock { state -> CheckedContinuation<Void, any Error>? in
            defer { state.topics[topic]?.members[id]?.waiter = nil }
            return state.topics[topic]?.members[id]?.waiter
        }
        waiter?.resume(throwing: CancellationError())
    }

    func request(records: Int, bytes: Int) {
        change { member in
            // A demand without a limit must not overflow.
            member.demandRecords = min(member.demandRecords, Int.max / 2) + min(max(0, records), Int.max / 2)
            member.demandBytes = min(member.demandBytes, Int.max / 2) + min(max(0, bytes), Int.max / 2)
        }
    }

    func pause(_ partitions: [TopicPartition]) {
        change { member in member.paused.formUnion(partitions.map(\.partition)) }
    }

    func resume(_ partitions: [TopicPartition]) {
        change { member in member.paused.subtract(partitions.map(\.partition)) }
    }

    func seek(_ partition: TopicPartition, to position: Position) {
        change { member in
            guard let fetch = member.fetching[partition.partition] else { return }
            member.fetching[partition.partition] = (position, fetch.generation)
        }
    }

    private func change(_ body: (inout InMemoryTopic.Member) -> Void) {
        let waiter = broker.state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard var member = state.topics[topic]?.members[id] else { return nil }
            body(&member)
            let waiter = member.waiter
            member.waiter = nil
            state.topics[topic]?.members[id] = member
            return waiter
        }
        waiter?.resume()
    }

    func commit(_ commits: [Commit]) async throws {
        try broker.state.withLock { state in
            guard !state.isClosed else { throw BrokerError(.closed, "the broker is closed") }
            // A group that was deleted has no members.
            guard var groupState = state.topics[topic]?.groups[ExactName(group)] else {
                throw BrokerError(.notOwner, "group \(group) was deleted, and this member has left it")
            }
            for commit in commits {
                guard
                    groupState.mayCommit(id, partition: commit.partition.partition, generation: commit.generation)
                else {
                    throw BrokerError(
                        .notOwner, "\(commit.partition) is not this member's under generation \(commit.generation)")
                }
            }
            for commit in commits {
                groupState.committed[commit.partition.partition] =
                    GroupState.Stored(position: commit.next, hint: commit.hint)
            }
            state.topics[topic]?.groups[ExactName(group)] = groupState
        }
    }

    func completeRevocation(of partitions: [TopicPartition]) {
        changeGroup { group in
            partitions.flatMap { group.completeRevocation(id, partition: $0.partition) }
        }
    }

    func close() async {
        changeGroup { group in group.members.contains(id) ? group.leave(id) : [] }
        let waiter = broker.state.withLock { state -> CheckedContinuation<Void, any Error>? in
            state.topics[topic]?.members.removeValue(forKey: id)?.waiter
        }
        waiter?.resume()
    }

    private func changeGroup(_ body: (inout GroupState) -> [GroupState.Event]) {
        broker.changeGroup(group, of: topic, body)
    }
}

extension InMemoryTopic {
    /// True if ``nextEvent(for:maxFetch:)`` would answer.
    func hasEvent(for id: UInt64, maxFetch: Int) -> Bool {
        guard let member = members[id] else { return false }
        if !member.events.isEmpty { return true }
        guard member.demandRecords > 0, member.demandBytes > 0 else { return false }
        return logs.indices.contains { number in
            guard let fetch = member.fetching[number], !member.paused.contains(number) else { return false }
            return logs[number].count(from: fetch.position) > 0
        }
    }
}

extension InMemoryBroker {
    func changeGroup(_ name: String, of topicName: String, _ body: (inout GroupState) -> [GroupState.Event]) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
            guard var group = state.topics[topicName]?.groups[ExactName(name)] else { return [] }
            let events = body(&group)
            state.topics[topicName]?.groups[ExactName(name)] = group
            let touched = state.topics[topicName]?.tell(events, group: name) ?? []
            guard state.topics[topicName] != nil else { return [] }
            return Self.takeWaiters(touched, &state.topics[topicName]!)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Takes everything from the members of a group, as a session timeout would: each loses its partitions at once
    /// and may get partitions again under a new generation.
    public func expireMembers(ofGroup group: String, topic: String) {
        changeGroup(group, of: topic) { state in state.members.flatMap { state.expire($0) } }
    }
}
