internal import Spillway
internal import SpillwayCore

/// Who waits for a send.
@safe enum SendCompletion: Sendable {
    case one(UnsafeContinuation<SendReceipt, any Error>, partition: Int)
    case several(UnsafeContinuation<[SendReceipt], any Error>, partitions: [Int])

    func fail(_ error: any Error) {
        switch self {
        case .one(let continuation, _): unsafe continuation.resume(throwing: error)
        case .several(let continuation, _): unsafe continuation.resume(throwing: error)
        }
    }
}

/// A send that waits for its batch.
struct Waiter: Sendable {
    var completion: SendCompletion
    /// The index of its first record in the batch.
    var index: Int
    var loop: EventLoop?
}

/// What was sent to one topic since the writer last looked; becomes one entry of the log.
struct PendingBatch: Sendable {
    let log: TopicLog
    var bytes: [UInt8]
    var count = 0
    var waiters: [Waiter] = []
    var tokens: [TokenWrite] = []
    let firstQueuedAt: UInt64
    /// The loop that all waiters share; then their completions go back as they are.
    var loop: EventLoop?
    var isOneLoop = true
    /// The index of each partition's last record; -1 without one.
    var lastIndexes: [Int]

    init(_ log: TopicLog, capacity: Int, at now: UInt64) {
        self.log = log
        bytes = []
        bytes.reserveCapacity(capacity)
        LogEncoding.appendHeader(to: &bytes)
        firstQueuedAt = now
        lastIndexes = Array(repeating: -1, count: log.partitions.count)
    }

    mutating func append(_ waiter: Waiter) {
        if waiters.isEmpty {
            loop = waiter.loop
        } else if loop !== waiter.loop {
            isOneLoop = false
        }
        waiters.append(waiter)
    }
}

/// A batch that is durable: everything that its waiters need to be answered.
struct DurableBatch: Sendable {
    let log: TopicLog
    let entry: LogEntry
    let waiters: [Waiter]

    func complete(_ waiter: Waiter) {
        let first = entry.base + UInt64(waiter.index)
        switch waiter.completion {
        case .one(let continuation, let partition):
            unsafe continuation.resume(returning: log.receipt(partition, entry.epoch, first))
        case .several(let continuation, let partitions):
            unsafe continuation.resume(
                returning: partitions.enumerated().map { index, partition in
                    log.receipt(partition, entry.epoch, first + UInt64(index))
                })
        }
    }

    func completeAll() { for waiter in waiters { complete(waiter) } }
}
