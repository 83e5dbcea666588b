public import Spillway

/// Whether a read may wait for a disk.
public enum ReadTier: Hashable, Sendable {
    /// Only what is in memory: for event loops. Reads answer `nil` when they would have to wait.
    case memory
    /// Also from disk: for threads that may block.
    case disk
}

/// What a store knows of a target.
public struct TargetValue: Hashable, Sendable {
    /// The number that the store gave the target; zero if it has none.
    public var number: UInt64
    /// Its counts.
    public var counts: Counts
    /// The sequence of the event that last changed the counts; for an absent target its partition's applied offset in
    /// the same snapshot.
    public var sequence: UInt64

    /// Makes a value.
    public init(number: UInt64, counts: Counts, sequence: UInt64) {
        self.number = number
        self.counts = counts
        self.sequence = sequence
    }
}

/// The caller's row and the counts of one target, with its partition's applied offset: all of one snapshot.
public struct OwnRow: Hashable, Sendable {
    /// The caller's state in the rows.
    public var reaction: Reaction
    /// The target's counts.
    public var target: TargetValue
    /// What the partition has applied.
    public var applied: Position

    /// Makes an own row.
    public init(reaction: Reaction, target: TargetValue, applied: Position) {
        self.reaction = reaction
        self.target = target
        self.applied = applied
    }
}

/// A place in a list that is ordered by (version, other side's number), both falling.
public struct ListPlace: Hashable, Comparable, Sendable {
    /// The row's version.
    public var version: UInt64
    /// The number of the other side: the target in a user's list, the user in a target's.
    public var number: UInt64

    /// Makes a place.
    public init(version: UInt64, number: UInt64) {
        self.version = version
        self.number = number
    }

    /// Behind everything.
    public static let first = ListPlace(version: .max, number: .max)

    /// Orders by version, then by number.
    public static func < (left: ListPlace, right: ListPlace) -> Bool {
        left.version == right.version ? left.number < right.number : left.version < right.version
    }
}

/// One row of a list as the store reads it.
public struct ListEntry: Hashable, Sendable {
    /// The place.
    public var place: ListPlace
    /// The other side's id.
    public var id: String
    /// The target's type.
    public var targetType: String

    /// Makes an entry.
    public init(place: ListPlace, id: String, targetType: String) {
        self.place = place
        self.id = id
        self.targetType = targetType
    }
}

/// A user as the store knows it.
public struct StoredUser: Hashable, Sendable {
    /// The number that the store gave the user.
    public var number: UInt64
    /// The user's id.
    public var id: String

    /// Makes a user.
    public init(number: UInt64, id: String) {
        self.number = number
        self.id = id
    }
}

/// A store that can be walked over by user, to fill a cache at a start.
public protocol WarmableStore: Sendable {
    /// Greater after each unclean start, restore or repair: the first half of every cached value's version (G7).
    var epoch: UInt64 { get }
    /// The numbers that users have, or may have.
    var userNumbers: Range<UInt64> { get }

    /// The users with these numbers, rising; numbers without a user are left out.
    func users(_ numbers: Range<UInt64>) throws -> [StoredUser]
    /// What ``ReactionStore/callerStates(of:limit:tier:)`` gives for each of these numbers, all in one snapshot.
    func callerStates(of numbers: Range<UInt64>, limit: Int) throws -> [CallerStates]
}

/// Where rows, counts and applied offsets live. Rows, counts and the partition's applied offset change in one
/// transaction that first moves the offset from exactly the value it started from (G4).
///
/// A partition is a virtual shard: all targets of a partition live in one database, so that one transaction holds a batch.
public protocol ReactionStore: WarmableStore {
    /// The number of partitions; fixed.
    var partitions: Int { get }

    /// For each partition, the position that each projection reads next: by target, and by user.
    func appliedPositions() throws -> (byTarget: [Position], byUser: [Position])
    /// The greatest version ever applied, for ``VersionClock``.
    func greatestVersion() throws -> UInt64

    /// Applies events of one partition, in the log's order, and moves its applied offsets from `from` to `next`.
    ///
    /// - Throws: `ReactionStoreError` with ``ReactionStoreError/Code/offsetMoved`` if the offset is not at `from`.
    func apply(_ batch: ProjectionBatch) throws -> ProjectionOutcome

    /// The targets in the order of their ids.
    func targets(_ ids: [String], tier: ReadTier) throws -> [TargetValue]?
    /// The caller's rows and the counts of these targets, in one snapshot.
    func ownRows(of user: String, targets: [String], tier: ReadTier) throws -> [OwnRow]?
    /// All that a user reacted to, up to a limit, in one snapshot.
    func callerStates(of user: String, limit: Int, tier: ReadTier) throws -> CallerStates?
    /// A user's states on some targets by point reads: for users with more reactions than the limit.
    func states(of user: String, targets: [UInt64], tier: ReadTier) throws -> [Reaction]?
    /// A user's reactions after a place, newest first.
    func reactions(of user: String, reaction: Reaction, after: ListPlace, limit: Int) throws -> [ListEntry]
    /// A target's voters after a place, newest first.
    func voters(of target: String, reaction: Reaction, after: ListPlace, limit: Int) throws -> [ListEntry]
    /// The state just before the event at a position, if that event asked to keep it and was applied.
    func previousState(partition: Int, position: Position) throws -> Reaction?
    /// The marks that are kept, rising by time.
    func previousStateMarks() throws -> [PreviousStateMark]
    /// Keeps one more mark, and forgets old ones, rising by time, with the previous states of events before the last of them.
    func mark(_ mark: PreviousStateMark, forgetting old: [PreviousStateMark]) throws
}

/// How far the projections were at a time: kept with the previous states, so that these are forgotten in time however often
/// the service starts.
public struct PreviousStateMark: Sendable, Equatable {
    /// When, in milliseconds since 1970 UTC.
    public var atMs: Int64
    /// By partition, what came next.
    public var positions: [Position]

    /// Makes a mark.
    public init(atMs: Int64, positions: [Position]) {
        self.atMs = atMs
        self.positions = positions
    }
}

/// What went wrong in a store.
public struct ReactionStoreError: Error, Sendable, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }
        /// The applied offset is not where the batch started from: another owner applied it (G4).
        public static let offsetMoved = Code("offset-moved")
        /// The store's format is newer than this program.
        public static let newerFormat = Code("newer-format")
        /// The number of partitions differs from the store's.
        public static let partitionsDiffer = Code("partitions-differ")
        /// More target types than a store has numbers for.
        public static let tooManyTypes = Code("too-many-types")
        /// A row or value can't be read.
        public static let damaged = Code("damaged")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool

    /// Makes an error.
    public init(_ code: Code, _ message: String, isRetriable: Bool = false) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
