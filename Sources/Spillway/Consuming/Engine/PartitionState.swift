import SpillwayCore

/// One assignment of a partition, from when it came until it has gone.
struct PartitionState: Sendable {
    enum Phase: Sendable, Equatable {
        /// Its handler is being asked where to begin, and the failure store what is in its side queue.
        case opening
        case active
        /// Nothing new is started; what runs may end until the deadline.
        case draining(deadline: MonotonicInstant)
        /// Nothing new is started until what runs has ended, or the deadline has passed.
        case seeking(to: Position, deadline: MonotonicInstant)
        /// Nothing of the new place is delivered until the broker has stored it, with the commit of that number. Then it
        /// begins anew.
        case placing(at: Position, by: UInt64)
    }

    let partition: TopicPartition
    let generation: UInt64
    let epoch: UInt64
    var phase: Phase
    var start: Position
    /// Which of the engine's seeks has to be carried out before the broker is asked for what is taken in; 0 without any.
    var seek: UInt64 = 0
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
    /// How many commits were taken, and which of them was stored last.
    var commitsTaken: UInt64 = 0
    var commitStored: UInt64 = 0
    /// Its position is to be committed although nothing was finished.
    var mustCommit = false
    /// Where the next owner is to begin, whatever was reached here.
    var sought: Position? {
        didSet {
            committed = .start
            mustCommit = true
        }
    }
    /// Somebody wants nothing of it to be delivered for now.
    var isPausedByUser = false
    /// The highest position that was received; `nil` before the first.
    var lastReceived: Position?
    var side = SideState()

    /// How the partition stands with its side queue.
    struct SideState: Sendable {
        /// Operations that wait for the store, or are with it.
        var operations = 0
        /// When its delayed entries are to be looked at next.
        var nextLook = MonotonicInstant.zero
        var isLooking = false
        /// How many of what the look finds there is room for.
        var lookRoom = 0
        /// Delayed entries that are in memory, each with its bytes.
        private(set) var inMemory: [Position: Int] = [:]
        private(set) var inMemoryBytes = 0
        /// Those that have left memory and the store while a look is under way, which may have read them before.
        var leftDuringLook: Set<Position> = []

        /// A delayed entry has come into memory.
        mutating func enter(_ position: Position, bytes: Int) {
            inMemory[position] = bytes
            inMemoryBytes += bytes
        }

        /// A delayed entry is in memory no more; the store has it as it was.
        mutating func forget(_ position: Position) {
            inMemoryBytes -= inMemory.removeValue(forKey: position) ?? 0
        }

        /// A delayed entry is in memory no more, and is not in the store as it was.
        mutating func leave(_ position: Position) {
            forget(position)
            if isLooking { leftDuringLook.insert(position) }
        }
    }

    /// What a slot without an assignment holds; no assignment has the epoch zero.
    static let none = PartitionState(
        Assignment(partition: TopicPartition(source: "", topic: "", partition: 0), generation: 0, start: .start),
        epoch: 0, phase: .active, finishedBefore: [])

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

    /// True while it waits to begin at another place.
    var isGoingElsewhere: Bool {
        switch phase {
        case .seeking, .placing: true
        case .opening, .active, .draining: false
        }
    }

    /// True while the place that it goes on at waits for its commit.
    var isPlacing: Bool {
        if case .placing = phase { true } else { false }
    }

    /// True while the engine has it paused at the broker until it begins.
    var isHeldBack: Bool {
        switch phase {
        case .opening, .placing: true
        case .active, .draining, .seeking: false
        }
    }

    /// Begins at another position than the broker would.
    mutating func begin(at position: Position) {
        guard position != start else { return }
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
