import Spillway
import Synchronization

/// A member of a group that notes everything its subscription tells it.
final class ConformanceMember: Sendable {
    struct Seen: Sendable {
        var batches: [RecordBatch] = []
        var owned: [TopicPartition: Assignment] = [:]
        var assignments: [Assignment] = []
        var revoking: [TopicPartition] = []
        var lost: [TopicPartition] = []
        var hasEnded = false
        var error: (any Error)?

        var records: [Record] { batches.flatMap(\.records) }
        var values: [String] { records.map { String(decoding: $0.value ?? [], as: UTF8.self) } }
    }

    let subscription: any Subscription
    private let givesBack: Bool
    private let state = Mutex(Seen())

    init(_ subscription: any Subscription, givesBack: Bool) {
        self.subscription = subscription
        self.givesBack = givesBack
    }

    var seen: Seen { state.withLock { $0 } }

    /// Takes events until the subscription ends.
    func take() async {
        do {
            while let event = try await subscription.next() { await note(event) }
            state.withLock { $0.hasEnded = true }
        } catch {
            state.withLock { $0.error = error }
        }
    }

    private func note(_ event: SubscriptionEvent) async {
        switch event {
        case .assigned(let assignments):
            state.withLock { state in
                state.assignments += assignments
                for assignment in assignments { state.owned[assignment.partition] = assignment }
            }
        case .revoking(let partitions):
            state.withLock { $0.revoking += partitions }
            if givesBack { await giveBack(partitions) }
        case .lost(let partitions):
            state.withLock { state in
                state.lost += partitions
                for partition in partitions { state.owned[partition] = nil }
            }
        case .records(let batch): state.withLock { $0.batches.append(batch) }
        }
    }

    /// Commits what was received of the partitions and gives them back.
    func giveBack(_ partitions: [TopicPartition]) async {
        try? await subscription.commit(commits(of: partitions))
        state.withLock { state in for partition in partitions { state.owned[partition] = nil } }
        subscription.completeRevocation(of: partitions)
    }

    /// Commits for everything received of owned partitions.
    func commits(of partitions: [TopicPartition]? = nil) -> [Commit] {
        let seen = seen
        return seen.owned.values.compactMap { assignment in
            guard partitions?.contains(assignment.partition) ?? true else { return nil }
            let last = seen.batches.last {
                $0.partition == assignment.partition && $0.generation == assignment.generation
            }
            guard let position = last?.records.last?.position else { return nil }
            return Commit(
                partition: assignment.partition, generation: assignment.generation, next: position.successor)
        }
    }
}

extension BrokerConformance {
    /// A topic's and a group's name that nothing else uses.
    static func freshName(_ prefix: String) -> String { "\(prefix)-\(UInt32.random(in: 0...(.max)))" }

    /// Subscribes, takes events while the body runs, and closes.
    func withMember<Result: Sendable>(
        _ broker: any Broker, _ request: SubscriptionRequest, givesBack: Bool = true, demand: Int? = 1_000_000,
        _ body: (ConformanceMember) async throws -> Result
    ) async throws -> Result {
        let member = ConformanceMember(try await broker.subscribe(request), givesBack: givesBack)
        if let demand { member.subscription.request(records: demand, bytes: 1 << 30) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await member.take() }
            do {
                let result = try await body(member)
                await member.subscription.close()
                try await eventually("next() ends after close()") { member.seen.hasEnded || member.seen.error != nil }
                return result
            } catch {
                group.cancelAll()
                await member.subscription.close()
                throw error
            }
        }
    }

    /// Waits for a condition, up to the timeout.
    func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + timeout
        while try await !condition() {
            guard clock.now < deadline else { throw ConformanceFailure("in \(timeout) did not happen: \(what)") }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Checks that a condition goes on to hold for a while; long enough for what is wrong to happen on most days.
    func steadily(_ what: String, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<30 {
            try require(try await condition(), "should hold all the time: \(what)")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    /// Sends values under keys, one after the other.
    @discardableResult
    func send(_ values: [(key: String, value: String)], to topic: String, _ broker: any Broker) async throws
        -> [SendReceipt]
    {
        var receipts: [SendReceipt] = []
        for item in values { receipts.append(try await broker.send(.text(item.key, item.value), to: topic)) }
        return receipts
    }
}

extension Message {
    static func text(_ key: String?, _ value: String, deduplication: Deduplication? = nil) -> Message {
        Message(key: key.map { Array($0.utf8) }, value: Array(value.utf8), deduplication: deduplication)
    }
}
