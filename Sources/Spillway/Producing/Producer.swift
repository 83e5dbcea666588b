public import SpillwayCore
import Synchronization

/// Sends messages to one topic.
///
/// Every send returns once its messages are durable (G1), as the receipt says. Sends join into batches in the broker
/// on their own: send from many tasks at once rather than wait for one after the other. What is sent and not yet
/// confirmed is bounded; beyond the bound a send fails at once with ``BrokerError/Code/queueFull`` and nothing was
/// written.
public final class Producer: Sendable {
    /// The topic.
    public let topic: String
    private let broker: any Broker
    private let interceptors: [any ProducerInterceptor]
    private let limit: Mutex<InFlightLimit>
    private let metrics: ProducerMetrics?
    private let timeSource: any TimeSource

    /// Makes a producer.
    ///
    /// - Throws: `MetricsError` if the registry has metrics of these names and another shape.
    public init(
        broker: any Broker, topic: String, configuration: ProducerConfiguration = ProducerConfiguration(),
        metrics: MetricsRegistry? = nil, timeSource: any TimeSource = SystemTimeSource()
    ) throws {
        precondition(
            configuration.maxInFlightRecords >= 1 && configuration.maxInFlightBytes >= 1,
            "a producer's limits are at least 1")
        self.broker = broker
        self.topic = topic
        self.interceptors = configuration.interceptors
        self.timeSource = timeSource
        limit = Mutex(
            InFlightLimit(maxRecords: configuration.maxInFlightRecords, maxBytes: configuration.maxInFlightBytes))
        self.metrics = try metrics.map { try ProducerMetrics(registry: $0, topic: topic) }
    }

    /// Sends one message; returns when it is durable.
    ///
    /// - Throws: `BrokerError`; with ``BrokerError/Code/outcomeUnknown`` it may be durable or not, and sending it
    ///   again with the same deduplication token is safe. An interceptor that answers another number of receipts than
    ///   it was given messages leaves the outcome unknown too.
    public func send(_ message: Message) async throws -> SendReceipt {
        guard interceptors.isEmpty else { return try await intercepted([message])[0] }
        let size = message.byteCount
        let start = try begin(records: 1, bytes: size)
        do {
            let receipt = try await broker.send(message, to: topic)
            end(records: 1, bytes: size, since: start, failed: false)
            return receipt
        } catch {
            end(records: 1, bytes: size, since: start, failed: true)
            throw error
        }
    }

    /// Sends several messages as one: all become durable or none. Receipts come in the order of the messages.
    ///
    /// - Throws: `BrokerError`, as ``send(_:)-(Message)``.
    public func send(_ messages: [Message]) async throws -> [SendReceipt] {
        guard !messages.isEmpty else { return [] }
        return interceptors.isEmpty ? try await confirmed(messages, topic) : try await intercepted(messages)
    }

    /// Sends bytes.
    @discardableResult
    public func send(key: [UInt8]?, bytes: [UInt8], headers: [Header] = []) async throws -> SendReceipt {
        try await send(Message(key: key, value: bytes, headers: headers))
    }

    /// Sends a string as UTF-8.
    @discardableResult
    public func send(key: String?, string: String, headers: [Header] = []) async throws -> SendReceipt {
        try await send(Message(key: key, string: string, headers: headers))
    }

    /// Sends a value as JSON.
    ///
    /// - Throws: `EncodingError` before anything is sent, else `BrokerError`.
    @discardableResult
    public func send(
        key: String?, json value: some Encodable & Sendable, headers: [Header] = []
    ) async throws -> SendReceipt {
        try await send(Message(key: key, json: value, headers: headers))
    }

    private func intercepted(_ messages: [Message]) async throws -> [SendReceipt] {
        let receipts = try await chain(from: 0)(messages, topic)
        guard receipts.count == messages.count else {
            // Whether the broker was asked, and what it said, nobody can tell any more.
            throw BrokerError(
                .outcomeUnknown, "an interceptor answered \(receipts.count) receipts for \(messages.count) messages")
        }
        return receipts
    }

    private func chain(from index: Int) -> SendNext {
        guard index < interceptors.count else {
            return { messages, topic in try await self.confirmed(messages, topic) }
        }
        let interceptor = interceptors[index]
        let next = chain(from: index + 1)
        return { messages, topic in try await interceptor.send(messages, to: topic, next: next) }
    }

    private func confirmed(_ messages: [Message], _ topic: String) async throws -> [SendReceipt] {
        guard !messages.isEmpty else { return [] }
        let size = messages.reduce(0) { $0 + $1.byteCount }
        let start = try begin(records: messages.count, bytes: size)
        do {
            let receipts = try await broker.send(messages, to: topic)
            end(records: messages.count, bytes: size, since: start, failed: false)
            return receipts
        } catch {
            end(records: messages.count, bytes: size, since: start, failed: true)
            throw error
        }
    }

    private func begin(records: Int, bytes: Int) throws -> MonotonicInstant {
        guard limit.withLock({ $0.take(records: records, bytes: bytes) }) else {
            metrics?.refused.increment(by: Int64(records))
            throw BrokerError(
                .queueFull, "the producer of \(topic) has as much in flight as it may; try again later",
                isRetriable: true)
        }
        return metrics == nil ? .zero : timeSource.now()
    }

    private func end(records: Int, bytes: Int, since start: MonotonicInstant, failed: Bool) {
        limit.withLock { $0.giveBack(records: records, bytes: bytes) }
        guard let metrics else { return }
        if failed {
            metrics.failed.increment(by: Int64(records))
        } else {
            metrics.sent.increment(by: Int64(records))
            metrics.latency.record(timeSource.now() - start)
        }
    }
}

extension Message {
    /// What the message counts for against limits in bytes: key, value, headers and deduplication token.
    public var byteCount: Int {
        var count = (key?.count ?? 0) + (value?.count ?? 0)
        for header in headers { count += header.name.utf8.count + header.value.count }
        if let deduplication { count += deduplication.scope.count + deduplication.token.count }
        return count
    }
}
