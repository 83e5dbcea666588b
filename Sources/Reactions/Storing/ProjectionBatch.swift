public import Spillway

/// An event with its place in the log.
public struct PositionedEvent: Hashable, Sendable {
    /// Where it stands.
    public var position: Position
    /// What it says.
    public var event: ReactionEvent

    /// Makes a positioned event.
    public init(position: Position, event: ReactionEvent) {
        self.position = position
        self.event = event
    }
}

/// Events of one partition, to be applied in one transaction.
public struct ProjectionBatch: Sendable {
    /// The partition.
    public var partition: Int
    /// Where the partition's applied offset must stand.
    public var from: Position
    /// Where it stands afterwards.
    public var next: Position
    /// The events, in the log's order; may be empty. What could not be decoded is among the dead letters before.
    public var events: [PositionedEvent]

    /// Makes a batch.
    public init(partition: Int, from: Position, next: Position, events: [PositionedEvent]) {
        self.partition = partition
        self.from = from
        self.next = next
        self.events = events
    }
}

/// What a transaction changed, for caches, streams and those who wait.
public struct ProjectionOutcome: Sendable {
    /// A target whose counts changed.
    public struct Target: Sendable {
        /// The id.
        public var id: String
        /// The value now.
        public var value: TargetValue

        /// Makes a target.
        public init(id: String, value: TargetValue) {
            self.id = id
            self.value = value
        }
    }

    /// A user's state that changed.
    public struct Caller: Sendable {
        /// The user's id.
        public var id: String
        /// The target's number.
        public var target: UInt64
        /// The state now.
        public var reaction: Reaction

        /// Makes a caller.
        public init(id: String, target: UInt64, reaction: Reaction) {
            self.id = id
            self.target = target
            self.reaction = reaction
        }
    }

    /// The store's own sequence of the transaction: orders it against snapshots (``CallerStates/storeSequence``).
    public var storeSequence: UInt64
    /// Targets that changed, or are new.
    public var targets: [Target]
    /// Callers that changed.
    public var callers: [Caller]
    /// The state just before each event, in the order of the batch.
    public var previous: [Reaction]
    /// Counts that went below zero: bugs.
    public var negativeCounts: Int

    /// Makes an outcome.
    public init(
        storeSequence: UInt64, targets: [Target], callers: [Caller], previous: [Reaction], negativeCounts: Int
    ) {
        self.storeSequence = storeSequence
        self.targets = targets
        self.callers = callers
        self.previous = previous
        self.negativeCounts = negativeCounts
    }
}
