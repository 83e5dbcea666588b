import Spillway
import Synchronization

/// A subscription at which things go wrong.
final class FaultInjectingSubscription: Subscription {
    private struct State {
        var isBroken = false
        /// A delivery that comes once more.
        var repeated: RecordBatch?
        /// What came beyond the demand, to be taken off the next one.
        var owedRecords = 0
        var owedBytes = 0
    }

    private let inner: any Subscription
    private let broker: FaultInjectingBroker
    private let state = Mutex(State())

    init(_ inner: any Subscription, broker: FaultInjectingBroker) {
        self.inner = inner
        self.broker = broker
    }

    private static var broken: BrokerError {
        BrokerError(.failed, "the connection was cut by an injected fault", isRetriable: true)
    }

    func breakOff() async {
        state.withLock { $0.isBroken = true }
        await inner.close()
    }

    func next() async throws -> SubscriptionEvent? {
        if broker.happens(\.disconnects) { await breakOff() }
        let again = state.withLock { state -> RecordBatch? in
            defer { state.repeated = nil }
            return state.repeated
        }
        if let again { return .records(again) }
        let event = try await inner.next()
        if state.withLock({ $0.isBroken }) { throw Self.broken }
        if case .revoking = event { broker.noteRevocation() }
        guard case .records(let batch) = event else { return event }
        try await broker.delay(\.deliveryDelay)
        if broker.happens(\.duplicateDeliveries) {
            state.withLock { state in
                state.repeated = batch
                state.owedRecords += batch.records.count
                state.owedBytes += batch.records.reduce(0) { $0 + $1.byteCount }
            }
        }
        return event
    }

    func request(records: Int, bytes: Int) {
        let (more, moreBytes) = state.withLock { state in
            let paid = min(records, state.owedRecords)
            let paidBytes = min(bytes, state.owedBytes)
            state.owedRecords -= paid
            state.owedBytes -= paidBytes
            return (records - paid, bytes - paidBytes)
        }
        inner.request(records: more, bytes: moreBytes)
    }

    func fetchNow() { inner.fetchNow() }

    func pause(_ partitions: [TopicPartition]) { inner.pause(partitions) }

    func resume(_ partitions: [TopicPartition]) { inner.resume(partitions) }

    func seek(_ partition: TopicPartition, to position: Position) {
        // What was demanded for the delivery that does not come again now, and was held back.
        let (records, bytes) = state.withLock { state -> (Int, Int) in
            guard let batch = state.repeated, batch.partition == partition else { return (0, 0) }
            state.repeated = nil
            let (records, bytes) = (batch.records.count, batch.records.reduce(0) { $0 + $1.byteCount })
            let (unpaid, unpaidBytes) = (min(state.owedRecords, records), min(state.owedBytes, bytes))
            state.owedRecords -= unpaid
            state.owedBytes -= unpaidBytes
            return (records - unpaid, bytes - unpaidBytes)
        }
        inner.seek(partition, to: position)
        if records > 0 || bytes > 0 { inner.request(records: records, bytes: bytes) }
    }

    func commit(_ commits: [Commit]) async throws {
        if state.withLock({ $0.isBroken }) || broker.happens(\.failedCommits) { throw Self.broken }
        try await inner.commit(commits)
        if broker.happens(\.unknownCommits) { throw Self.broken }
    }

    func completeRevocation(of partitions: [TopicPartition]) { inner.completeRevocation(of: partitions) }

    func close() async {
        broker.forget(self)
        await inner.close()
    }
}
