/// What a vote came to.
public struct VoteReceipt: Hashable, Sendable {
    /// Where it stands in the log.
    public var position: LogPosition
    /// True if the idempotency key had been seen before; nothing was changed then.
    public var isRepeat: Bool
    /// The projection's outcome, if it was waited for, came in time and could be read.
    public var outcome: VoteOutcome?

    /// Makes one of its parts.
    public init(position: LogPosition, isRepeat: Bool, outcome: VoteOutcome? = nil) {
        self.position = position
        self.isRepeat = isRepeat
        self.outcome = outcome
    }
}

/// What the projection made of a vote: the body of an answer to `Prefer: return=representation`.
public struct VoteOutcome: Hashable, Sendable {
    /// The target.
    public var targetID: String
    /// The counts now, this vote included once.
    public var counts: Counts
    /// The caller's state now.
    public var state: Reaction
    /// The caller's state just before this vote (for a repeat: before the first one).
    public var previous: Reaction

    /// Makes one of its parts.
    public init(targetID: String, counts: Counts, state: Reaction, previous: Reaction) {
        self.targetID = targetID
        self.counts = counts
        self.state = state
        self.previous = previous
    }
}

/// One target in a summary.
public struct TargetSummary: Hashable, Sendable {
    /// Likes and dislikes; zeros if nobody voted.
    public var counts: Counts
    /// The caller's own state; none without a caller.
    public var state: Reaction

    /// Makes a summary.
    public init(counts: Counts, state: Reaction) {
        self.counts = counts
        self.state = state
    }
}

/// One entry of a list: my reactions, or a target's voters.
public struct ReactionEntry: Hashable, Sendable {
    /// The other side's id: the target in "my votes", the user in "voters".
    public var id: String
    /// The target's type as the vote carried it.
    public var targetType: String
    /// The reaction.
    public var reaction: Reaction
    /// When, in milliseconds since 1970 UTC.
    public var atMs: Int64

    /// Makes one of its parts.
    public init(id: String, targetType: String, reaction: Reaction, atMs: Int64) {
        self.id = id
        self.targetType = targetType
        self.reaction = reaction
        self.atMs = atMs
    }
}

/// A page of a list, newest first.
public struct ReactionPage: Hashable, Sendable {
    /// The entries.
    public var entries: [ReactionEntry]
    /// Opaque (A-Z a-z 0-9 - _); continues behind the last entry. `nil` at the end.
    public var nextCursor: String?

    /// Makes one of its parts.
    public init(entries: [ReactionEntry], nextCursor: String?) {
        self.entries = entries
        self.nextCursor = nextCursor
    }
}

/// A change of a target's counts, for live streams.
public struct CountsChange: Hashable, Sendable {
    /// The target.
    public var targetID: String
    /// The counts.
    public var counts: Counts
    /// Sorts as text; never goes backwards for a target.
    public var version: String

    /// Makes one of its parts.
    public init(targetID: String, counts: Counts, version: String) {
        self.targetID = targetID
        self.counts = counts
        self.version = version
    }
}
