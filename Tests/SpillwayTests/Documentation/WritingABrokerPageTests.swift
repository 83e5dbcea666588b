import Spillway
import SpillwayCore
import SpillwayTesting
import Synchronization
import Testing

// MARK: The snippets of the page, word for word; `theSnippetsOfThePageAreTheseHere` compares them.

/// A broker in memory, with one lock around everything.
final class TinyBroker: Broker {
    struct State {
        var topics: [String: [[Record]]] = [:]
        var groups: [String: TinyGroup] = [:]
        var lastMember = 0
    }

    let source = "tiny"
    let state = Mutex(State())

    func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        try TopicName.validate(topic)
        return try state.withLock { state in
            let logs = state.topics[topic] ?? Array(repeating: [], count: partitions)
            guard logs.count == partitions else {
                throw BrokerError(.partitionCountDiffers, "\(topic) has \(logs.count) partitions, not \(partitions)")
            }
            state.topics[topic] = logs
            return partitions
        }
    }

    func partitionCount(of topic: String) async throws -> Int { try state.withLock { try $0.logs(of: topic).count } }

    func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        try await send([message], to: topic)[0]
    }

    func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        guard messages.allSatisfy({ $0.deduplication == nil && $0.deliverAtMs == nil }) else {
            throw BrokerError(.unsupported, "the tiny broker keeps no tokens and delays nothing")
        }
        let nowMs = SystemTimeSource().wallMilliseconds()
        return try state.withLock { state in
            var logs = try state.logs(of: topic)
            let receipts = messages.map { message in
                let number = message.key.map { KeyPartitioner.partition(for: $0, of: logs.count) } ?? 0
                let position = Position(high: 0, low: UInt64(logs[number].count + 1))
                logs[number].append(
                    Record(
                        key: message.key, value: message.value, position: position,
                        timestampMs: message.timestampMs ?? nowMs, headers: message.headers))
                return SendReceipt(durability: .logged, partition: partition(number, of: topic), position: position)
            }
            // A broker that writes to a disk or a network returns only when that has confirmed them.
            state.topics[topic] = logs
            state.wake(topic)
            return receipts
        }
    }

    func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        let logs = try state.withLock { try $0.logs(of: topic) }
        return Dictionary(
            uniqueKeysWithValues: logs.enumerated().map { number, log in
                (partition(number, of: topic), Position(high: 0, low: UInt64(log.count + 1)))
            })
    }

    func recordCounts(from positions: [TopicPartition: Position], of topic: String) async throws -> [TopicPartition:
        Int]
    {
        let logs = try state.withLock { try $0.logs(of: topic) }
        return Dictionary(
            uniqueKeysWithValues: positions.filter { logs.indices.contains($0.key.partition) }.map {
                partition, position in
                (partition, logs[partition.partition].count { ($0.position ?? .start) >= position })
            })
    }

    func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        let committed = try state.withLock { state in
            _ = try state.logs(of: topic)
            return state.groups[TinyGroup.name(group, topic)]?.committed ?? [:]
        }
        return Dictionary(uniqueKeysWithValues: committed.map { (partition($0, of: topic), $1.next) })
    }

    func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        try state.withLock { state in
            let logs = try state.logs(of: request.topic)
            state.lastMember += 1
            let subscription = TinySubscription(broker: self, request: request, id: state.lastMember)
            let starts = logs.map { request.start == .earliest ? .start : Position(high: 0, low: UInt64($0.count + 1)) }
            state.withGroup(of: request) { $0.join(subscription, startingAt: starts) }
            state.wake(request.topic)
            return subscription
        }
    }

    func partition(_ number: Int, of topic: String) -> TopicPartition {
        TopicPartition(source: source, topic: topic, partition: number)
    }
}

extension TinyBroker.State {
    func logs(of topic: String) throws -> [[Record]] {
        guard let logs = topics[topic] else { throw BrokerError(.unknownTopic, "there is no topic \(topic)") }
        return logs
    }

    /// Whoever waits in `next()` looks again.
    func wake(_ topic: String) {
        for group in groups.values {
            for member in group.members where member.subscription.request.topic == topic { member.subscription.wake() }
        }
    }

    mutating func withGroup<Result>(
        of request: SubscriptionRequest, _ body: (inout TinyGroup) throws -> Result
    ) rethrows -> Result {
        let partitions = topics[request.topic]?.count ?? 0
        let name = TinyGroup.name(request.group, request.topic)
        return try body(&groups[name, default: TinyGroup(partitions: partitions)])
    }
}

/// A member of a group.
final class TinySubscription: Subscription {
    let broker: TinyBroker
    let request: SubscriptionRequest
    let id: Int
    private let wakeUps = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(broker: TinyBroker, request: SubscriptionRequest, id: Int) {
        self.broker = broker
        self.request = request
        self.id = id
    }

    func next() async throws -> SubscriptionEvent? {
        while true {
            try Task.checkCancellation()
            switch nextEvent() {
            case .some(let answer): return answer
            case nil:
                var waiting = wakeUps.stream.makeAsyncIterator()
                await waiting.next()
            }
        }
    }

    /// An event, `nil` inside for the end, or nothing yet.
    private func nextEvent() -> SubscriptionEvent?? {
        broker.state.withLock { state in
            guard let logs = state.topics[request.topic] else { return .some(nil) }
            return state.withGroup(of: request) { group -> SubscriptionEvent?? in
                guard let index = group.members.firstIndex(where: { $0.subscription === self }) else {
                    return .some(nil)
                }
                if !group.members[index].events.isEmpty { return group.members[index].events.removeFirst() }
                guard let batch = group.fetch(index, from: logs) else { return nil }
                return .records(batch)
            }
        }
    }

    func wake() { wakeUps.continuation.yield() }

    private func change(_ body: (inout TinyMember) -> Void) {
        changeGroup { group in
            guard let index = group.members.firstIndex(where: { $0.subscription === self }) else { return }
            body(&group.members[index])
        }
    }

    private func changeGroup(_ body: (inout TinyGroup) throws -> Void) rethrows {
        try broker.state.withLock { state in
            defer { state.wake(request.topic) }
            try state.withGroup(of: request, body)
        }
    }

    func request(records: Int, bytes: Int) {
        change { member in
            member.demandRecords += min(records, .max - max(0, member.demandRecords))
            member.demandBytes += min(bytes, .max - max(0, member.demandBytes))
        }
    }

    func pause(_ partitions: [TopicPartition]) { change { $0.paused.formUnion(partitions.map(\.partition)) } }

    func resume(_ partitions: [TopicPartition]) { change { $0.paused.subtract(partitions.map(\.partition)) } }

    func seek(_ partition: TopicPartition, to position: Position) {
        change { member in
            if member.next[partition.partition] != nil { member.next[partition.partition] = position }
        }
    }

    func commit(_ commits: [Commit]) async throws { try changeGroup { try $0.commit(commits, by: self) } }

    func completeRevocation(of partitions: [TopicPartition]) {
        changeGroup { $0.giveBack(partitions.map(\.partition), by: self) }
    }

    func close() async {
        changeGroup { $0.leave(self) }
        wake()
    }
}

/// What a group knows of one of its members.
struct TinyMember {
    let subscription: TinySubscription
    /// Where each partition begins if nothing of it is committed.
    let starts: [Position]
    var events: [SubscriptionEvent] = []
    /// Where each of its partitions is read next.
    var next: [Int: Position] = [:]
    var paused: Set<Int> = []
    var demandRecords = 0
    var demandBytes = 0
}

/// Who owns which partition, and what is committed.
struct TinyGroup {
    static func name(_ group: String, _ topic: String) -> String { "\(topic)/\(group)" }

    var members: [TinyMember] = []
    var committed: [Int: Commit] = [:]
    /// By partition: the owner's id, the generation of its assignment, and whether it was asked to give it back.
    private var slots: [(owner: Int?, generation: UInt64, isRevoking: Bool)]

    init(partitions: Int) { slots = Array(repeating: (nil, 0, false), count: partitions) }

    mutating func join(_ subscription: TinySubscription, startingAt starts: [Position]) {
        members.append(TinyMember(subscription: subscription, starts: starts))
        balance()
    }

    mutating func leave(_ subscription: TinySubscription) {
        members.removeAll { $0.subscription === subscription }
        giveBack(slots.indices.filter { slots[$0].owner == subscription.id }, by: subscription)
    }

    mutating func giveBack(_ partitions: [Int], by subscription: TinySubscription) {
        for number in partitions where slots[number].owner == subscription.id {
            slots[number] = (nil, slots[number].generation, false)
            for index in members.indices where members[index].subscription === subscription {
                members[index].next[number] = nil
            }
        }
        balance()
    }

    /// All or none: one commit that is not the owner's refuses the call.
    mutating func commit(_ commits: [Commit], by subscription: TinySubscription) throws {
        for commit in commits {
            let number = commit.partition.partition
            guard slots.indices.contains(number), slots[number].owner == subscription.id,
                slots[number].generation == commit.generation
            else {
                throw BrokerError(.notOwner, "\(commit.partition) is not this member's under \(commit.generation)")
            }
        }
        for commit in commits { committed[commit.partition.partition] = commit }
    }

    /// Free partitions go to whoever has the fewest; whoever has two more than another is asked to give one back.
    private mutating func balance() {
        guard !members.isEmpty else { return }
        func count(_ member: TinyMember) -> Int {
            slots.count { $0.owner == member.subscription.id && !$0.isRevoking }
        }
        for number in slots.indices where slots[number].owner == nil {
            let index = members.indices.min { count(members[$0]) < count(members[$1]) } ?? 0
            assign(number, to: index)
        }
        var promised = slots.count { $0.isRevoking }
        while let most = members.max(by: { count($0) < count($1) }), let least = members.map(count).min(),
            count(most) - least - promised > 1,
            let number = slots.indices.last(where: { slots[$0].owner == most.subscription.id && !slots[$0].isRevoking })
        {
            slots[number].isRevoking = true
            promised += 1
            let partition = most.subscription.broker.partition(number, of: most.subscription.request.topic)
            for index in members.indices where members[index].subscription === most.subscription {
                members[index].events.append(.revoking([partition]))
            }
        }
    }

    private mutating func assign(_ number: Int, to index: Int) {
        let subscription = members[index].subscription
        slots[number] = (subscription.id, slots[number].generation + 1, false)
        let partition = subscription.broker.partition(number, of: subscription.request.topic)
        let start = committed[number]?.next ?? members[index].starts[number]
        members[index].next[number] = start
        members[index].events.append(
            .assigned([
                Assignment(
                    partition: partition, generation: slots[number].generation, start: start,
                    hint: committed[number]?.hint)
            ]))
    }

    /// The next records of one of the member's partitions, as far as its demand goes.
    mutating func fetch(_ index: Int, from logs: [[Record]]) -> RecordBatch? {
        let member = members[index]
        guard member.demandRecords > 0, member.demandBytes > 0 else { return nil }
        for (number, position) in member.next where !member.paused.contains(number) && !slots[number].isRevoking {
            var records: [Record] = []
            var bytes = 0
            for record in logs[number] where (record.position ?? .start) >= position {
                // Bytes may be passed by one record; what is beyond is taken off the demand to come.
                guard records.count < member.demandRecords, bytes < member.demandBytes else { break }
                records.append(record)
                bytes += record.byteCount
            }
            guard let last = records.last?.position else { continue }
            members[index].next[number] = last.successor
            members[index].demandRecords -= records.count
            members[index].demandBytes -= bytes
            let subscription = member.subscription
            return RecordBatch(
                partition: subscription.broker.partition(number, of: subscription.request.topic),
                generation: slots[number].generation, records: records)
        }
        return nil
    }
}

@Suite struct TinyBrokerTests {
    @Test(arguments: BrokerConformance.checkNames)
    func conforms(_ name: String) async throws {
        var features = BrokerConformance.Features()
        features.deduplication = false
        try await BrokerConformance(features: features) { TinyBroker() }.run(name)
    }
}

// MARK: The end of the snippets

@Suite struct WritingABrokerPageTests {
    @Test func theSnippetsOfThePageAreTheseHere() throws {
        try DocumentationPage("Sources/Spillway/Spillway.docc/WritingABroker.md").expectSnippets(5, in: #filePath)
    }

    /// The page's broker carries a consumer, too.
    @Test func aConsumerReadsFromIt() async throws {
        let broker = TinyBroker()
        _ = try await broker.ensureTopic("t", partitions: 2)
        let seen = Mutex<[String]>([])
        let consumer = try Consumer(
            id: "one", broker: broker, configuration: ConsumerConfiguration(topic: "t", group: "g"),
            processor: .single(Noting(seen: { text in seen.withLock { $0.append(text) } })))
        try await ConsumerTests.run(consumer) {
            for number in 0..<100 {
                let key = Array("key\(number % 7)".utf8)
                _ = try await broker.send(Message(key: key, value: Array("\(number)".utf8)), to: "t")
            }
            try await eventually { seen.withLock { $0.count } == 100 }
        }
        let ends = try await broker.endPositions(of: "t")
        #expect(try await broker.committed(group: "g", topic: "t") == ends)
    }
}

private struct Noting: SingleHandler {
    let seen: @Sendable (String) -> Void

    func decode(_ record: Record) throws -> String { record.valueString ?? "" }

    func handle(_ event: String, context: HandlingContext) async throws { seen(event) }
}
