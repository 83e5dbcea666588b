/// Names a row: the numbers that the store gave the target and the user, each below 2^40.
public struct RowKey: Hashable, Sendable {
    /// The target's number.
    public var target: UInt64
    /// The user's number.
    public var user: UInt64

    /// Makes a key.
    public init(target: UInt64, user: UInt64) {
        self.target = target
        self.user = user
    }

    /// One multiplication mixes both numbers; the store hands numbers out itself, so nobody can choose collisions.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(target &* 0x9E37_79B9_7F4A_7C15 ^ user)
    }
}

/// The state of one user on one target, and what last changed it.
public struct ReactionRow: Hashable, Sendable {
    /// The state; a row in state none stays as a tombstone.
    public var reaction: Reaction
    /// The number that the store gave the target type.
    public var type: UInt8
    /// True if the last change did not come through the log.
    public var isBesideLog: Bool
    /// The greatest version that changed it.
    public var version: UInt64
    /// The sequence in the log that last changed it; zero if it never came through the log.
    public var sequence: UInt64

    /// Makes a row.
    public init(reaction: Reaction, type: UInt8, isBesideLog: Bool, version: UInt64, sequence: UInt64) {
        self.reaction = reaction
        self.type = type
        self.isBesideLog = isBesideLog
        self.version = version
        self.sequence = sequence
    }
}
