import Reactions
import Spillway
import SpillwayCore
import Synchronization

/// A store whose reads for answers fail on demand, while projections and offsets go on.
final class UnreadableStore: ReactionStore {
    struct Failure: Error {}

    private let store: any ReactionStore
    private let fails = Atomic<Bool>(false)
    private let pages = Atomic<Int>(0)

    init(_ store: any ReactionStore) { self.store = store }

    /// From now on reads fail.
    func fail() { fails.store(true, ordering: .releasing) }

    private func reading<Result>(_ read: () throws -> Result) throws -> Result {
        if fails.load(ordering: .acquiring) { throw Failure() }
        return try read()
    }

    var epoch: UInt64 { store.epoch }
    var partitions: Int { store.partitions }
    var userNumbers: Range<UInt64> { store.userNumbers }
    func appliedPositions() throws -> (byTarget: [Position], byUser: [Position]) { try store.appliedPositions() }
    func greatestVersion() throws -> UInt64 { try store.greatestVersion() }
    func apply(_ batch: ProjectionBatch) throws -> ProjectionOutcome { try store.apply(batch) }
    func previousStateMarks() throws -> [PreviousStateMark] { try store.previousStateMarks() }
    func mark(_ mark: PreviousStateMark, forgetting old: [PreviousStateMark]) throws {
        try store.mark(mark, forgetting: old)
    }

    /// Pages that the warming has asked for.
    var userPages: Int { pages.load(ordering: .acquiring) }

    func users(_ numbers: Range<UInt64>) throws -> [StoredUser] {
        pages.wrappingAdd(1, ordering: .acquiringAndReleasing)
        return try reading { try store.users(numbers) }
    }
    func callerStates(of numbers: Range<UInt64>, limit: Int) throws -> [CallerStates] {
        try reading { try store.callerStates(of: numbers, limit: limit) }
    }
    func targets(_ ids: [String], tier: ReadTier) throws -> [TargetValue]? {
        try reading { try store.targets(ids, tier: tier) }
    }
    func ownRows(of user: String, targets: [String], tier: ReadTier) throws -> [OwnRow]? {
        try reading { try store.ownRows(of: user, targets: targets, tier: tier) }
    }
    func callerStates(of user: String, limit: Int, tier: ReadTier) throws -> CallerStates? {
        try reading { try store.callerStates(of: user, limit: limit, tier: tier) }
    }
    func states(of user: String, targets: [UInt64], tier: ReadTier) throws -> [Reaction]? {
        try reading { try store.states(of: user, targets: targets, tier: tier) }
    }
    func reactions(of user: String, reaction: Reaction, after: ListPlace, limit: Int) throws -> [ListEntry] {
        try reading { try store.reactions(of: user, reaction: reaction, after: after, limit: limit) }
    }
    func voters(of target: String, reaction: Reaction, after: ListPlace, limit: Int) throws -> [ListEntry] {
        try reading { try store.voters(of: target, reaction: reaction, after: after, limit: limit) }
    }
    func previousState(partition: Int, position: Position) throws -> Reaction? {
        try reading { try store.previousState(partition: partition, position: position) }
    }
}
