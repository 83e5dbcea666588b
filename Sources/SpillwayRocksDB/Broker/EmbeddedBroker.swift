public import Spillway
public import SpillwayCore
internal import Synchronization

/// The broker inside the process: its log is in the embedded database, beside what projections make of it.
///
/// Delivery is at least once; a send returns when its record is synced (G1), and records are shown to consumers only
/// then. All sends that come while a sync runs share the next one. What a group commits is stored without a sync and
/// becomes durable with the next; retention goes by the durable position.
///
/// ```swift
/// let database = try Database.open("data", configuration)
/// let broker = try EmbeddedBroker(database)                   // blocks: reads what topics and groups there are
/// _ = try await broker.ensureTopic("reactions", partitions: 4)
/// let receipt = try await broker.send(Message(key: key, value: value), to: "reactions")
/// await broker.close()                                        // writes what waits, ends subscriptions
/// try database.close()
/// ```
public final class EmbeddedBroker: ReplayableBroker {
    /// How the broker works.
    public struct Configuration: Sendable {
        /// Records that may wait for a sync; default 200,000. Beyond it: `BrokerError.Code.queueFull`.
        public var maxPendingRecords = 200_000
        /// Bytes that may wait for a sync; default 64 MiB.
        public var maxPendingBytes = 64 << 20
        /// Bytes of one message, key and headers included; default 1 MiB.
        public var maxMessageBytes = 1 << 20
        /// Bytes of each topic's newest records that are kept in memory for consumers; default 64 MiB.
        public var tailBytes = 64 << 20
        /// How long records are kept; `nil` is without a limit. Default 7 days.
        public var retentionAge: Duration? = .seconds(7 * 86_400)
        /// Bytes on disk that one topic may take; `nil`, the default, is without a limit. What a group that holds
        /// retention back has not committed durably is kept all the same.
        public var retentionBytes: Int?
        /// How often retention and other care runs; default 10 s.
        public var careInterval = Duration.seconds(10)
        /// How long after the last send what projections wrote is synced; default 200 ms.
        public var idleSyncDelay = Duration.milliseconds(200)
        /// How long a member may take to give partitions back before it loses them; default 60 s.
        public var revocationTimeout = Duration.seconds(60)

        /// A configuration with every default.
        public init() {}
    }

    /// The broker's name in its partitions.
    public static let sourceName = "embedded"
    /// The broker's name in its partitions.
    public var source: String { Self.sourceName }
    /// The database that the log is in.
    public let database: Database
    let configuration: Configuration
    let writer: LogWriter
    let groups: GroupCoordinator
    let reader: LogReader
    let retention: LogRetention
    let metrics: LogMetrics
    private let topicStore: TopicStore
    private let deduplication: DeduplicationTable
    let work: BlockingExecutor
    private let care: CareLoop
    private let topics = Mutex<[String: TopicLog]>([:])
    /// Held while a topic is made, which waits for the disk: those who look for one don't.
    private let making = Mutex<Void>(())
    private let logger: Logger

    /// Reads topics and groups, and starts the writer. Blocks.
    ///
    /// - Parameters:
    ///   - registry: where the broker's and the database's metrics are registered; default a registry of its own.
    public init(
        _ database: Database, configuration: Configuration = Configuration(),
        metrics registry: MetricsRegistry = MetricsRegistry(), logger: Logger = Logger(label: "spillway.log")
    ) throws {
        self.database = database
        self.configuration = configuration
        self.logger = logger
        metrics = try LogMetrics(registry)
        work = BlockingExecutor(name: "log-work", threads: 2)
        deduplication = try DeduplicationTable(database, lookups: work)
        groups = try GroupCoordinator(database, metrics, revocationTimeout: configuration.revocationTimeout)
        reader = LogReader(database)
        retention = LogRetention(database, reader, groups, configuration, logger)
        topicStore = try TopicStore(database, tailBytes: configuration.tailBytes)
        care = CareLoop(interval: configuration.careInterval)
        writer = LogWriter(
            database, deduplication, metrics,
            limits: .init(records: configuration.maxPendingRecords, bytes: configuration.maxPendingBytes),
            idleSyncDelay: configuration.idleSyncDelay)
        for log in try topicStore.loadAll() {
            try groups.load(log)
            topics.withLock { $0[log.name] = log }
        }
        try register(registry)
        writer.start()
        care.start { [weak self] in self?.takeCare() }
    }

    // The last reference may go on a thread of the broker's own, which can't wait for itself: only the writer's end is
    // waited for here, and the writer's thread never holds the broker.
    deinit {
        care.tellToStop()
        writer.close()
    }

    /// Refuses new sends, writes what waits, ends all subscriptions and its threads, once what they have begun is done: a
    /// search by time outlives the client that asked for it, and ends with an error. The database stays open, and the
    /// broker uses it no more.
    public func close() async {
        groups.close()
        let (writer, care, work) = (writer, care, work)
        // Whoever waits for all of them is none of them, and no thread of the pool.
        await NativeThread.run(name: "log-close") {
            care.stop()
            writer.close()
            work.shutdown()
        }
    }

    /// Runs retention and the removal of old tokens now; they also run by themselves.
    public func runRetention() async throws {
        try await work.runUnlessClosed { try self.careOnce() }
    }

    /// The oldest position that the topic keeps.
    public func startPosition(of topic: String) throws -> Position {
        try log(topic).withState { $0.epochs.position(of: $0.start) }
    }

    private func takeCare() {
        do { try careOnce() } catch {
            logger.warning("care of the log failed, and is tried again", metadata: ["error": "\(error)"])
        }
    }

    /// How far the wall clock may be ahead for a while, in milliseconds, without the loss of tokens that still live: what is
    /// removed is gone for good.
    private static let clockSlackMs: Int64 = 3_600_000

    private func careOnce() throws {
        groups.expireRevocations(now: MonotonicInstant(nanoseconds: monotonicNanoseconds())) { name in
            self.topics.withLock { $0[name] }
        }
        while try deduplication.removeExpired(now: wallMilliseconds() - Self.clockSlackMs) > 0 {}
        for log in topics.withLock({ Array($0.values) }) { try retention.run(log) }
    }

    func log(_ topic: String) throws -> TopicLog {
        guard let log = topics.withLock({ $0[topic] }) else {
            throw BrokerError(.unknownTopic, "there is no topic \(topic): make it with ensureTopic")
        }
        return log
    }

    var allLogs: [TopicLog] { topics.withLock { Array($0.values) } }

    // MARK: Topics

    /// Makes the topic if it is not there; durable on return.
    public func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        try Self.check(topic: topic, partitions: partitions)
        if topics.withLock({ $0[topic] }) == nil {
            try await work.runUnlessClosed { try self.make(topic, partitions) }
        }
        let count = try log(topic).partitions.count
        guard count == partitions else {
            throw BrokerError(.partitionCountDiffers, "topic \(topic) has \(count) partitions, not \(partitions)")
        }
        return count
    }

    private func make(_ topic: String, _ partitions: Int) throws {
        try making.withLock { _ in
            if topics.withLock({ $0[topic] }) != nil { return }
            let made = try topicStore.make(topic, partitions: partitions)
            topics.withLock { $0[topic] = made }
        }
    }

    private static func check(topic: String, partitions: Int) throws {
        let isNamed =
            (1...249).contains(topic.utf8.count)
            && topic.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
        guard isNamed else {
            throw BrokerError(.invalidTopic, "a topic's name is 1 to 249 characters of A-Z a-z 0-9 _ - .")
        }
        guard (1...4_096).contains(partitions) else {
            throw BrokerError(.unsupported, "a topic has 1 to 4,096 partitions, not \(partitions)")
        }
    }

    /// The number of partitions of a topic.
    public func partitionCount(of topic: String) async throws -> Int { try log(topic).partitions.count }

    /// For each partition, the position that the next durable record will at least have.
    public func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        let log = try log(topic)
        let end = log.withState { Position(high: $0.epochs.current, low: $0.end) }
        return Dictionary(uniqueKeysWithValues: log.partitions.map { ($0, end) })
    }

    /// How many records each partition holds from a position on: zero is exact; else an estimate, since the partitions
    /// of a topic share one sequence.
    public func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        let log = try log(topic)
        var counts: [TopicPartition: Int] = [:]
        for (partition, position) in positions where log.partitions.indices.contains(partition.partition) {
            counts[partition] = log.withState {
                $0.count(from: position, partition: partition.partition, openedAt: log.openedAt)
            }
        }
        return counts
    }

    // MARK: Consumer groups

    /// Joins a consumer group.
    public func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        let log = try log(request.topic)
        let (groups, reader, work, metrics) = (groups, reader, work, metrics)
        return try await work.runUnlessClosed {
            try groups.join(request, log) { id in
                EmbeddedSubscription(id, request, log, groups, reader, work, metrics)
            }
        }
    }

    /// What a group has committed.
    public func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        let log = try log(topic)
        let groups = groups
        return try await work.runUnlessClosed { groups.committed(group, log) }
    }

    /// Hands over every record that is durable now, from a position of each partition on.
    public func replay(
        _ topic: String, from positions: [Int: Position], _ body: @Sendable (RecordBatch) throws -> Void
    ) async throws {
        let log = try log(topic)
        var replay = LogReplay(log, from: positions)
        while let from = replay.next {
            let entries: [LogEntry]
            if let tail = log.tail(from: from, bytes: 4 << 20) {
                entries = tail
            } else {
                let reader = reader
                entries = try await work.runUnlessClosed { try reader.entries(of: log, from: from) }
            }
            guard try replay.take(entries, body) else { return }
        }
    }

    // MARK: Sending

    /// Sends one message; returns when it is durable.
    public func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        let log = try log(topic)
        try check(message)
        if message.deduplication != nil { return try await send([message], to: topic)[0] }
        let partition = log.partition(for: message.key)
        return try await unsafe withUnsafeThrowingContinuation { continuation in
            let completion = unsafe SendCompletion.one(continuation, partition: partition)
            if let refusal = writer.enqueue(message, partition: partition, to: log, nil, completion) {
                unsafe continuation.resume(throwing: refusal)
            }
        }
    }

    /// Sends several messages as one: they stand in one entry of the log.
    public func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        let log = try log(topic)
        guard let first = messages.first else { return [] }
        for message in messages { try check(message) }
        guard messages.dropFirst().allSatisfy({ $0.deduplication == nil }) else {
            throw BrokerError(.unsupported, "a deduplication token may be on the first message of a batch only")
        }
        let partitions = messages.map { log.partition(for: $0.key) }
        guard let deduplication = first.deduplication else { return try await send(messages, partitions, log, nil) }
        return try await self.deduplication.send(deduplication, messages.count, to: log) {
            let token = TokenWrite(deduplication, partitions: partitions, nowMs: wallMilliseconds())
            return try await send(messages, partitions, log, token)
        }
    }

    private func send(
        _ messages: [Message], _ partitions: [Int], _ log: TopicLog, _ token: TokenWrite?
    ) async throws -> [SendReceipt] {
        try await unsafe withUnsafeThrowingContinuation { continuation in
            let completion = unsafe SendCompletion.several(continuation, partitions: partitions)
            if let refusal = writer.enqueue(messages, partitions: partitions, to: log, token, completion) {
                unsafe continuation.resume(throwing: refusal)
            }
        }
    }

    private func check(_ message: Message) throws {
        guard message.deliverAtMs == nil else {
            throw BrokerError(.unsupported, "the embedded broker can't delay messages")
        }
        guard LogEncoding.bound(message) - LogEncoding.recordHeadBytes - 20 <= configuration.maxMessageBytes else {
            throw BrokerError(
                .messageTooLarge, "a message has at most \(configuration.maxMessageBytes) bytes, headers included")
        }
    }
}
