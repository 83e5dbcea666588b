public import Reactions
internal import Spillway
internal import SpillwayRocksDB

/// A reaction from a file.
public struct ImportedReaction: Hashable, Sendable {
    /// The user.
    public var userID: String
    /// The target.
    public var targetID: String
    /// One of the configured types.
    public var targetType: String
    /// The state.
    public var reaction: Reaction
    /// When, in milliseconds since 1970 UTC.
    public var atMs: Int64

    /// Makes a reaction.
    public init(userID: String, targetID: String, targetType: String, reaction: Reaction, atMs: Int64) {
        self.userID = userID
        self.targetID = targetID
        self.targetType = targetType
        self.reaction = reaction
        self.atMs = atMs
    }
}

/// Loads reactions beside the log, into a store that nobody serves: what is there and newer stays, so a second run of
/// the same file changes nothing.
///
/// One thread. The rows are durable after ``finish()``.
public final class ReactionImporter {
    /// How many reactions make one round of transactions, one a partition.
    private static let roundSize = 20_000

    private let store: RocksReactionStore
    private let validator: VoteValidator
    private var rounds: [[PositionedEvent]]
    private var waiting = 0
    private let nowMs: @Sendable () -> Int64
    /// Reactions that changed a user's state so far; those that wait are not in it.
    public private(set) var changed = 0

    /// - Parameters:
    ///   - store: open, with nobody else writing.
    ///   - nowMs: real time in milliseconds since 1970, to refuse what lies in the future.
    public init(into store: RocksReactionStore, targetTypes: [String], nowMs: @escaping @Sendable () -> Int64) {
        self.store = store
        self.nowMs = nowMs
        validator = VoteValidator(targetTypes: targetTypes)
        rounds = Array(repeating: [], count: store.partitions)
    }

    /// Takes a reaction in; it is written with the next round.
    ///
    /// - Throws: `ReactionsError` with `invalidField` for a bad one, which is then left out; what the store throws.
    public func add(_ reaction: ImportedReaction) throws {
        try validator.check(
            Vote(targetID: reaction.targetID, targetType: reaction.targetType, reaction: reaction.reaction))
        try VoteValidator.checkUser(reaction.userID, field: "user_id")
        guard VersionClock.accepts(atMs: reaction.atMs, nowMs: nowMs()) else {
            throw ReactionsError(.invalidField, "at must be between 1970 and now", field: "at")
        }
        let event = ReactionEvent(
            targetID: reaction.targetID, targetType: reaction.targetType, userID: reaction.userID,
            reaction: reaction.reaction, version: VersionClock.version(atMs: reaction.atMs), origin: .imported)
        let partition = KeyPartitioner.partition(for: reaction.targetID.utf8, of: store.partitions)
        rounds[partition].append(PositionedEvent(position: .start, event: event))
        waiting += 1
        if waiting >= Self.roundSize { try write() }
    }

    /// Writes what waits, and syncs.
    public func finish() throws {
        try write()
        try store.database.sync()
    }

    /// Writes what waits; durable after ``finish()``. The next opening of the database makes a new epoch then, also if
    /// this throws or ``finish()`` never comes.
    public func write() throws {
        store.database.requireNewEpoch()
        for partition in rounds.indices where !rounds[partition].isEmpty {
            let applied = store.applied(partition)
            changed += try store.apply(
                ProjectionBatch(partition: partition, from: applied, next: applied, events: rounds[partition])
            ).callers.count
            rounds[partition].removeAll(keepingCapacity: true)
        }
        waiting = 0
    }
}
