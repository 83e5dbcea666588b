package import SpillwayCore

/// The part of a consumer's configuration that its engine needs.
package struct EngineSettings: Sendable {
    package var order: OrderMode
    package var limits: BatchLimits
    /// Whole slices of a partition are handed out.
    package var isPartitionBatch: Bool
    /// Records are handled one by one, and a worker takes several only to spare itself the way.
    package var isSingle: Bool
    /// Partitions wait for ``ConsumerEngine/opened(_:epoch:at:held:now:)`` after they are assigned, with a position.
    package var asksForPositions: Bool
    /// Where a partition begins is committed at once: the broker would say another place the next time.
    package var commitsStart: Bool
    /// Records may be moved to a ``FailureStore``.
    package var usesFailureStore = false
    package var group: String
    package var concurrency: Int
    /// How many records a worker takes at a time where each is handled on its own.
    package var maxChunkRecords = 64
    package var hotKeys: HotKeyPolicy?
    package var rate: RateLimits
    /// What the consumer leases of a rate that others share, at the beginning.
    package var leasedRate: LeasedRate?
    package var adaptiveConcurrency: AdaptiveConcurrency?
    package var moveBudget: MoveBudgetPolicy
    package var maxInFlightRecords: Int
    package var maxInFlightBytes: Int
    package var resumeIntakeAt: Double
    /// How many positions a partition's ack window may track before the partition is paused.
    package var maxUncommittedRecords: Int
    package var commitInterval: Duration
    package var commitRecords: Int
    package var maxCommitHintBytes: Int
    package var revocationDrainTimeout: Duration
    package var shutdownDrainTimeout: Duration

    /// Takes over a configuration for one of its processors.
    package init(_ configuration: ConsumerConfiguration, processor: Processor, usesFailureStore: Bool = false) {
        order = processor.isPartitionBatch ? .partition : configuration.order
        limits = processor.limits
        isPartitionBatch = processor.isPartitionBatch
        isSingle = processor.isSingle
        asksForPositions = processor.positionOwner != nil
        commitsStart = configuration.start == .latest
        self.usesFailureStore = usesFailureStore && !processor.isPartitionBatch
        group = configuration.group
        concurrency = configuration.concurrency
        hotKeys = configuration.order == .key && !processor.isPartitionBatch ? configuration.hotKeys : nil
        rate = configuration.rate
        leasedRate = configuration.globalRate.map { LeasedRate(initialShare: $0.initialShare, maxLease: $0.maxLease) }
        adaptiveConcurrency = processor.isPartitionBatch ? nil : configuration.adaptiveConcurrency
        moveBudget = configuration.retry.moveBudget
        maxInFlightRecords = configuration.maxInFlightRecords
        maxInFlightBytes = configuration.maxInFlightBytes
        resumeIntakeAt = configuration.resumeIntakeAt
        maxUncommittedRecords = configuration.maxUncommittedRecords
        commitInterval = configuration.commitInterval
        commitRecords = configuration.commitRecords
        maxCommitHintBytes = configuration.maxCommitHintBytes
        revocationDrainTimeout = configuration.revocationDrainTimeout
        shutdownDrainTimeout = configuration.shutdownDrainTimeout
    }

    /// How much of what may be in flight is kept for records that come back from the side queue.
    package var sideShare: (records: Int, bytes: Int) {
        guard usesFailureStore else { return (0, 0) }
        return (max(1, maxInFlightRecords / 8), max(1, maxInFlightBytes / 8))
    }
}

/// A piece of work for a worker.
package struct Work: Sendable {
    /// What is to be handled.
    package enum Content: Sendable {
        /// Records that are handled together, or one by one.
        case records([WorkRecord])
        /// A slice of a partition.
        case batch(RecordBatch, attempt: Int)
    }

    package let id: UInt64
    package let content: Content

    package var recordCount: Int {
        switch content {
        case .records(let records): records.count
        case .batch(let batch, _): batch.records.count
        }
    }
}

/// A record for a worker. Records of one lane are next to each other.
package struct WorkRecord: Sendable {
    package let context: HandlingContext
    /// The engine's number of it.
    package let number: Int
    /// Records with the same lane wait for each other.
    package let lane: Int
    /// The generation under which the record was fetched.
    package let generation: UInt64
    /// How often it has come back to the side queue.
    package let rounds: Int
    /// When it came into the engine.
    package let received: MonotonicInstant
}

/// A record of a piece of work that has ended.
package struct WorkEnd: Sendable {
    /// The engine's number of the record.
    package let number: Int
    /// The lane that it was taken from.
    package let lane: Int
    package let result: WorkResult

    package init(_ record: WorkRecord, _ result: WorkResult) {
        number = record.number
        lane = record.lane
        self.result = result
    }
}

/// How a record of a piece of work ended.
package enum WorkResult: Sendable, Equatable {
    /// It has its final state: handled, or given up.
    case finished
    /// It failed and is tried again at that time.
    case retry(at: MonotonicInstant)
    /// It failed and is moved away, if the budget for that allows it; else it is tried again at that time.
    case move(Move, orRetryAt: MonotonicInstant)
}

/// Where a failed record goes.
package struct Move: Sendable, Equatable {
    package enum Destination: Sendable, Equatable {
        /// To the side queue until a time; its key goes on.
        case delay(until: MonotonicInstant)
        /// To the side queue until a time, with everything of its key that comes after it.
        case hold(until: MonotonicInstant)
        /// To the dead letters.
        case deadLetter
    }

    package var destination: Destination
    package var reason: String

    package init(_ destination: Destination, reason: String) {
        self.destination = destination
        self.reason = reason
    }
}

/// What the engine wants done, in this order.
package struct EngineActions: Sendable {
    /// A partition that waits to hear where to begin, and what of it is in the side queue.
    package struct Opening: Sendable, Equatable {
        package var partition: TopicPartition
        package var epoch: UInt64
        package var generation: UInt64
    }

    package internal(set) var pause: [TopicPartition] = []
    package var seek: [(partition: TopicPartition, position: Position)] = []
    /// How many seeks the engine had asked for with the last of these; 0 if there is none here.
    package var seeksAsked: UInt64 = 0
    package internal(set) var resume: [TopicPartition] = []
    package var open: [Opening] = []
    package var completeRevocation: [TopicPartition] = []
    package var request: (records: Int, bytes: Int)?

    package init() {}

    /// Has a partition paused or resumed. The last word on it holds: resumes are carried out after pauses, whichever was
    /// decided first.
    mutating func setPaused(_ isPaused: Bool, _ partition: TopicPartition) {
        if isPaused {
            resume.removeAll { $0 == partition }
            pause.append(partition)
        } else {
            pause.removeAll { $0 == partition }
            resume.append(partition)
        }
    }

    package var isEmpty: Bool {
        pause.isEmpty && seek.isEmpty && resume.isEmpty && open.isEmpty && completeRevocation.isEmpty && request == nil
    }
}

/// What the engine counts, ever growing.
package struct EngineCounters: Sendable, Equatable {
    /// Records taken in.
    package var received = 0
    /// Records that came for a partition or generation that is not owned, before its start, or of before a seek.
    package var stale = 0
    /// Records that had been received before in the same assignment, or were in the side queue already.
    package var repeated = 0
    /// Records that a commit's hint said were finished.
    package var skippedByHint = 0
    /// Hints that were not ours.
    package var foreignHints = 0
    /// Records that have their final state.
    package var finished = 0
    /// Records that were put back to be handled again.
    package var retries = 0
    /// Completions that came after their partition had gone.
    package var lateCompletions = 0
    /// Commits that the broker took.
    package var commits = 0
    /// Commits that the broker refused or that failed.
    package var failedCommits = 0
    /// Records that went to the side queue.
    package var moved = 0
    /// Records that came back from it.
    package var returned = 0
    /// Records that went to the dead letters.
    package var deadLettered = 0
    /// Moves that the budget did not allow.
    package var refusedMoves = 0
    /// Writes to the failure store that failed.
    package var failedMoves = 0
    /// Keys that became hot.
    package var heated = 0
}

/// How a partition stands, for metrics.
package struct PartitionProgress: Sendable, Equatable {
    package var partition: TopicPartition
    /// The position of the lowest unfinished record, or after the last one.
    package var next: Position
    /// When the lowest unfinished record happened; `nil` if nothing received is unfinished.
    package var oldestTimestampMs: Int64?
    /// How many records wait or are being handled.
    package var held: Int
}

/// What happened to commits that the engine handed out.
package enum CommitResult: Sendable {
    case stored
    /// These partitions are not this member's any more.
    case refused(Set<TopicPartition>)
    case failed
}
