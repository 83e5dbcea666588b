internal import Spillway
internal import SpillwayCore

/// What waits for the log writer, without locks: batches in order, bounded in records and bytes.
struct LogQueue: Sendable {
    /// Bytes beyond which a batch takes no more and the next one begins.
    static let batchBytes = 1 << 20

    struct Limits: Sendable {
        var records: Int
        var bytes: Int
    }

    private(set) var batches: [PendingBatch] = []
    /// Records and bytes that wait or are being written.
    private(set) var records = 0
    private(set) var bytes = 0
    /// Sends that wait.
    private(set) var sends = 0
    /// The writer sleeps and wants a signal once so many sends wait; `nil` while it is at work.
    var signalsAt: Int?
    var isClosed = false
    /// Someone else wrote to the log while the writer saw nothing to sync.
    var isPoked = false
    /// Why nothing more is written, ever.
    var failure: DatabaseError?
    private let limits: Limits
    /// What the last batch grew to: the first guess for the next.
    private var lastBytes = 512

    init(_ limits: Limits) { self.limits = limits }

    /// Whether the writer is to be woken, which it is once.
    mutating func takeSignal() -> Bool {
        guard let signalsAt, sends >= signalsAt else { return false }
        self.signalsAt = nil
        return true
    }

    /// Why so much can't be taken in now; `nil` if it can.
    func refusal(records more: Int, bytes moreBytes: Int) -> BrokerError? {
        if let failure {
            return BrokerError(.failed, "the log has failed and takes nothing more", cause: failure)
        }
        if isClosed { return BrokerError(.closed, "the broker is closed") }
        if records + more > limits.records || bytes + moreBytes > limits.bytes {
            return BrokerError(
                .queueFull, "\(records) records (\(bytes) bytes) wait for the log already", isRetriable: true)
        }
        return nil
    }

    /// The index of the batch that a message of the topic goes to.
    mutating func openBatch(for log: TopicLog, now: () -> UInt64) -> Int {
        if let index = batches.lastIndex(where: { $0.log === log }), batches[index].bytes.count < Self.batchBytes {
            return index
        }
        batches.append(PendingBatch(log, capacity: min(lastBytes + lastBytes / 4, Self.batchBytes * 2), at: now()))
        return batches.count - 1
    }

    mutating func append(_ message: Message, partition: Int, timestampMs: Int64, to index: Int) {
        let before = batches[index].bytes.count
        LogEncoding.append(message, partition: partition, timestampMs: timestampMs, to: &batches[index].bytes)
        batches[index].lastIndexes[partition] = batches[index].count
        batches[index].count += 1
        records += 1
        bytes += batches[index].bytes.count - before
    }

    mutating func append(_ waiter: Waiter, _ token: TokenWrite?, to index: Int) {
        batches[index].append(waiter)
        sends += 1
        if var token {
            token.index = waiter.index
            batches[index].tokens.append(token)
        }
    }

    func count(of index: Int) -> Int { batches[index].count }

    mutating func takeAll() -> [PendingBatch] {
        var taken: [PendingBatch] = []
        swap(&taken, &batches)
        sends = 0
        batches.reserveCapacity(taken.count)
        return taken
    }

    mutating func finished(records done: Int, bytes doneBytes: Int) {
        records -= done
        bytes -= doneBytes
        lastBytes = max(256, doneBytes)
    }
}
