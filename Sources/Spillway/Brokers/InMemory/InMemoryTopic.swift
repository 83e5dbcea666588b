/// A topic in memory: its logs, its groups and what their members wait for.
struct InMemoryTopic: Sendable {
    /// A member of a group as its subscription sees it.
    struct Member: Sendable {
        let group: String
        let start: SubscriptionRequest.Start
        var events: [SubscriptionEvent] = []
        var demandRecords = 0
        var demandBytes = 0
        var paused: Set<Int> = []
        /// Where delivery goes on, and the generation, for partitions that deliver.
        var fetching: [Int: (position: Position, generation: UInt64)] = [:]
        var nextPartition = 0
        var isClosed = false
        var waiter: CheckedContinuation<Void, any Error>?
    }

    let name: String
    let source: String
    let epoch: UInt64
    let sharesSequence: Bool
    var logs: [InMemoryLog]
    /// By the names' bytes, as in brokers that keep them as bytes.
    var groups: [ExactName: GroupState] = [:]
    /// No deleted group has given a greater generation; a new one goes on above it.
    var lastGeneration: UInt64 = 0
    var members: [UInt64: Member] = [:]
    var deduplication: InMemoryDeduplication
    private var nextLow: [UInt64]
    private var roundRobin = 0
    private(set) var records = 0
    private(set) var bytes = 0

    init(name: String, partitions: Int, limits: InMemoryBroker.Limits, source: String, epoch: UInt64, shared: Bool) {
        self.name = name
        self.source = source
        self.epoch = epoch
        sharesSequence = shared
        logs = Array(repeating: InMemoryLog(), count: partitions)
        nextLow = Array(repeating: 1, count: partitions)
        deduplication = InMemoryDeduplication(maxTokens: limits.maxDeduplicationTokens)
    }

    func partition(_ number: Int) -> TopicPartition {
        TopicPartition(source: source, topic: name, partition: number)
    }

    func newGroup() -> GroupState { GroupState(partitions: logs.count, above: lastGeneration) }

    func end(of partition: Int) -> Position {
        Position(high: epoch, low: nextLow[sharesSequence ? 0 : partition])
    }

    func begin(of partition: Int) -> Position { logs[partition].firstPosition ?? end(of: partition) }

    // MARK: Sending

    mutating func append(_ messages: [Message], nowMs: Int64) -> [SendReceipt] {
        messages.map { message in
            let number: Int
            if let key = message.key {
                number = KeyPartitioner.partition(for: key, of: logs.count)
            } else {
                number = roundRobin
                roundRobin = (roundRobin + 1) % logs.count
            }
            let counter = sharesSequence ? 0 : number
            let position = Position(high: epoch, low: nextLow[counter])
            nextLow[counter] += 1
            let record = Record(
                key: message.key, value: message.value, position: position, timestampMs: message.timestampMs ?? nowMs,
                headers: message.headers)
            logs[number].append(record)
            records += 1
            bytes += record.byteCount
            return SendReceipt(durability: .logged, partition: partition(number), position: position)
        }
    }

    /// Makes room for messages by dropping what every group that holds retention has committed; false if that isn't
    /// enough.
    mutating func makeRoom(records count: Int, bytes size: Int, limits: InMemoryBroker.Limits) -> Bool {
        func fits() -> Bool { records + count <= limits.maxRecords && bytes + size <= limits.maxBytes }
        for number in logs.indices where !fits() {
            let floor = groups.values.filter(\.holdsRetention).map { $0.committed[number]?.position ?? .start }.min()
            while !fits(), let first = logs[number].firstPosition, floor.map({ first < $0 }) ?? true {
                bytes -= logs[number].dropFirst()
                records -= 1
            }
        }
        return fits()
    }

    // MARK: Delivering

    /// The next event for a member, if there is one.
    mutating func nextEvent(for id: UInt64, maxFetch: Int) -> SubscriptionEvent? {
        guard var member = members[id] else { return nil }
        if !member.events.isEmpty {
            let event = member.events.removeFirst()
            members[id] = member
            return event
        }
        guard member.demandRecords > 0, member.demandBytes > 0 else { return nil }
        for _ in logs.indices {
            let number = member.nextPartition
            member.nextPartition = (number + 1) % logs.count
            guard let fetch = member.fetching[number], !member.paused.contains(number) else { continue }
            let records = logs[number].read(
                from: fetch.position, maxRecords: min(maxFetch, member.demandRecords), maxBytes: member.demandBytes)
            guard let last = records.last?.position else { continue }
            member.fetching[number] = (last.successor, fetch.generation)
            member.demandRecords -= records.count
            member.demandBytes -= records.reduce(0) { $0 + $1.byteCount }
            members[id] = member
            return .records(
                RecordBatch(partition: partition(number), generation: fetch.generation, records: records))
        }
        return nil
    }

    /// Puts what the group decided into its members' queues; returns the members to wake.
    mutating func tell(_ events: [GroupState.Event], group: String) -> [UInt64] {
        var touched: [UInt64] = []
        for event in events {
            switch event {
            case .assigned(let id, let number, let generation):
                let stored = groups[ExactName(group)]?.committed[number]
                let fallback = members[id]?.start == .latest ? end(of: number) : begin(of: number)
                let start = stored?.position ?? fallback
                members[id]?.fetching[number] = (start, generation)
                let assignment = Assignment(
                    partition: partition(number), generation: generation, start: start, hint: stored?.hint)
                members[id]?.events.append(.assigned([assignment]))
                touched.append(id)
            case .revoking(let id, let number):
                let gone = partition(number)
                members[id]?.fetching[number] = nil
                members[id]?.events.append(.revoking([gone]))
                touched.append(id)
            case .lost(let id, let number):
                let gone = partition(number)
                members[id]?.fetching[number] = nil
                members[id]?.events.append(.lost([gone]))
                touched.append(id)
            }
        }
        return touched
    }
}
