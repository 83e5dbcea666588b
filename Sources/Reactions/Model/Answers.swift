/// What a vote came to.
public struct VoteReceipt: Hashable, Sendable {
    /// Where it stands in the log.
    public var position: LogPosition
    /// True if the idempotency key had been seen before; nothing was changed then.
    public var isRepeat: Bool
    /// The projection's outcome, if it was waited for and came in time.
    public var outcome: VoteOutcome?
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
}

/// One target in a summary.
public struct TargetSummary: Hashable, Sendable {
    /// Likes and dislikes; zeros if nobody voted.
    public var counts: Counts
    /// The caller's own state; none without a caller.
    public var state: Reaction
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
}

/// A page of a list, newest first.
public struct ReactionPage: Hashable, Sendable {
    /// The entries.
    public var entries: [ReactionEntry]
    /// Opaque (A-Z a-z 0-9 - _); continues behind the last entry. `nil` at the end.
    public var nextCursor: String?
}

/// A change of a target's counts, for live streams.
public struct CountsChange: Hashable, Sendable {
    /// The target.
    public var targetID: String
    /// The counts.
    public var counts: Counts
    /// Sorts as text; never goes backwards for a target.
    public var version: String
}
