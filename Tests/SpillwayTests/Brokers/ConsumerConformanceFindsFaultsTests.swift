import Spillway
import SpillwayTesting
import Synchronization
import Testing

/// Checks that can't fail are worth nothing: each of these brokers breaks a promise, and is found.
@Suite struct ConsumerConformanceFindsFaultsTests {
    @Test func findsABrokerThatLosesRecords() async throws {
        try await expectFailure(.losesRecords, of: "members side by side handle everything between them")
        try await expectFailure(.losesRecords, of: "each group handles everything")
    }

    @Test func findsABrokerThatCommitsMoreThanItIsTold() async throws {
        try await expectFailure(
            .commitsEverything, of: "a commit stays below what is unfinished, over a change of owner")
        try await expectFailure(.commitsEverything, of: "a record that fails comes again, and is not committed before")
    }

    @Test func findsABrokerThatForgetsCommits() async throws {
        try await expectFailure(.forgetsCommits, of: "shutdown drains what runs, and commits it")
        try await expectFailure(.forgetsCommits, of: "members that come and go while handlers run stop nothing")
    }

    @Test func findsABrokerThatIgnoresDemand() async throws {
        try await expectFailure(.ignoresDemand, of: "a blocked consumer stops fetching")
    }

    private func expectFailure(_ fault: BrokenBroker.Fault, of check: String) async throws {
        let suite = ConsumerConformance(timeout: .seconds(1)) { BrokenBroker(InMemoryBroker(), fault) }
        await #expect(throws: (any Error).self, "\(fault) of \(check)") { try await suite.run(check) }
    }
}

/// A broker that does not do what it says.
private final class BrokenBroker: Broker {
    enum Fault: Sendable {
        case losesRecords
        case commitsEverything
        case forgetsCommits
        case ignoresDemand
    }

    let inner: InMemoryBroker
    let fault: Fault
    var source: String { inner.source }

    init(_ inner: InMemoryBroker, _ fault: Fault) {
        self.inner = inner
        self.fault = fault
    }

    func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        try await inner.ensureTopic(topic, partitions: partitions)
    }

    func partitionCount(of topic: String) async throws -> Int { try await inner.partitionCount(of: topic) }

    func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        try await inner.send(message, to: topic)
    }

    func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        try await inner.send(messages, to: topic)
    }

    func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        BrokenSubscription(try await inner.subscribe(request), self, topic: request.topic)
    }

    func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        try await inner.committed(group: group, topic: topic)
    }

    func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try await inner.endPositions(of: topic)
    }

    func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        try await inner.recordCounts(from: positions, of: topic)
    }
}

private final class BrokenSubscription: Subscription {
    private let inner: any Subscription
    private let broker: BrokenBroker
    private let topic: String
    private let delivered = Mutex(0)

    init(_ inner: any Subscription, _ broker: BrokenBroker, topic: String) {
        self.inner = inner
        self.broker = broker
        self.topic = topic
        if broker.fault == .ignoresDemand { inner.request(records: 100_000, bytes: 1 << 30) }
    }

    func next() async throws -> SubscriptionEvent? {
        let event = try await inner.next()
        guard broker.fault == .losesRecords, case .records(var batch) = event else { return event }
        let before = delivered.withLock { count in
            defer { count += batch.records.count }
            return count
        }
        batch.records = batch.records.enumerated().filter { (before + $0.offset) % 10 != 3 }.map(\.element)
        return .records(batch)
    }

    func commit(_ commits: [Commit]) async throws {
        switch broker.fault {
        case .forgetsCommits: break
        case .commitsEverything:
            let ends = try await broker.endPositions(of: topic)
            try await inner.commit(
                commits.map { commit in
                    var commit = commit
                    commit.next = ends[commit.partition] ?? commit.next
                    return commit
                })
        case .losesRecords, .ignoresDemand: try await inner.commit(commits)
        }
    }

    func request(records: Int, bytes: Int) { inner.request(records: records, bytes: bytes) }
    func pause(_ partitions: [TopicPartition]) { inner.pause(partitions) }
    func resume(_ partitions: [TopicPartition]) { inner.resume(partitions) }
    func seek(_ partition: TopicPartition, to position: Position) { inner.seek(partition, to: position) }
    func completeRevocation(of partitions: [TopicPartition]) { inner.completeRevocation(of: partitions) }
    func close() async { await inner.close() }
}
