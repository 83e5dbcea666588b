package import SpillwayCore

/// The part of a consumer's configuration that its engine needs.
package struct EngineSettings: Sendable {
    package var order: OrderMode
    package var limits: BatchLimits
    /// Whole slices of a partition are handed out.
    package var isPartitionBatch: Bool
    /// Partitions wait for ``ConsumerEngine/opened(_:epoch:at:now:)`` after they are assigned.
    package var asksForPositions: Bool
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
    package init(_ configuration: ConsumerConfiguration, processor: Processor) {
        order = processor.isPartitionBatch ? .partition : configuration.order
        limits = processor.limits
        isPartitionBatch = processor.isPartitionBatch
        asksForPositions = processor.positionOwner != nil
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
}

/// A piece of work for a worker.
package struct Work: Sendable {
    /// What is to be handled.
    package enum Content: Sendable {
        case records([WorkRecord])
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
    /// Records with the same lane wait for each other.
    package let lane: Int
    /// The generation under which the record was fetched.
    package let generation: UInt64
}

/// How a record of a piece of work ended.
package enum WorkResult: Sendable, Equatable {
    /// It has its final state: handled, or given up.
    case finished
    /// It failed and is tried again at that time.
    case retry(at: MonotonicInstant)
}

/// What the engine wants done, in this order.
package struct EngineActions: Sendable {
    /// A partition whose handler has to say where to begin.
    package struct Opening: Sendable, Equatable {
        package var partition: TopicPartition
        package var epoch: UInt64
    }

    package var pause: [TopicPartition] = []
    package var seek: [(partition: TopicPartition, position: Position)] = []
    package var resume: [TopicPartition] = []
    package var open: [Opening] = []
    package var completeRevocation: [TopicPartition] = []
    package var request: (records: Int, bytes: Int)?

    package init() {}

    package var isEmpty: Bool {
        pause.isEmpty && seek.isEmpty && resume.isEmpty && open.isEmpty && completeRevocation.isEmpty && request == nil
    }
}

/// What the engine counts, ever growing.
package struct EngineCounters: Sendable, Equatable {
    /// Records taken in.
    package var received = 0
    /// Records that came for a partition or generation that is not owned, or before its start.
    package var stale = 0
    /// Records that had been received before in the same assignment.
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
