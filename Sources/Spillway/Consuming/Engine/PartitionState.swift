import SpillwayCore

/// One assignment of a partition, from when it came until it has gone.
struct PartitionState: Sendable {
    enum Phase: Sendable, Equatable {
        /// Its handler is being asked where to begin.
        case opening
        case active
        /// Nothing new is started; what runs may end until the deadline.
        case draining(deadline: MonotonicInstant)
    }

    let partition: TopicPartition
    let generation: UInt64
    let epoch: UInt64
    var phase: Phase
    var start: Position
    /// The broker waits to hear that the partition can go.
    var isRevoked = false
    var window: AckWindow
    var queue: PartitionQueue
    /// What the hint of the last commit says is finished, ascending; the front goes once it is passed.
    var finishedBefore: ArraySlice<ClosedRange<Position>>
    /// Records waiting or with workers.
    var held = Permits.Demand(records: 0, bytes: 0)
    /// Records with workers.
    var running = 0
    var isPaused = false
    var committed: Position
    var finishedSinceCommit = 0

    init(_ assignment: Assignment, epoch: UInt64, phase: Phase, finishedBefore: [ClosedRange<Position>]) {
        partition = assignment.partition
        generation = assignment.generation
        self.epoch = epoch
        self.phase = phase
        start = assignment.start
        window = AckWindow(start: assignment.start)
        queue = PartitionQueue(start: assignment.start)
        self.finishedBefore = finishedBefore[...]
        committed = assignment.start
    }

    var isDraining: Bool {
        if case .draining = phase { true } else { false }
    }

    /// Begins at another position than the broker would.
    mutating func begin(at position: Position) {
        start = position
        window = AckWindow(start: position)
        queue = PartitionQueue(start: position)
        finishedBefore = []
    }

    /// True if a record at this position was finished before the assignment.
    mutating func wasFinished(_ position: Position) -> Bool {
        while let range = finishedBefore.first, range.upperBound < position { finishedBefore.removeFirst() }
        guard let range = finishedBefore.first else { return false }
        return range.contains(position)
    }
}
