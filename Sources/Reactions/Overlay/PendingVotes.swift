internal import Spillway

/// A vote that is acknowledged and perhaps not applied yet.
struct PendingVote: Sendable {
    var targetID: String
    var targetType: String
    var reaction: Reaction
    var version: UInt64
    var position: LogPosition
}

/// The overlay's state: per user the pending votes, per partition the order in which they will be applied. No lock, no
/// I/O; ``Overlay`` guards it.
///
/// An entry leaves when its partition's *clean* position passes it: every projection has applied it and no cache can
/// still hold a value from before. An entry that arrives after that is not kept. Both under one lock, so nothing stays
/// behind: a send that resumes late finds the clean position already past it, and the caller's answer comes after.
struct PendingVotes {
    /// What an entry takes in memory besides its strings, in bytes: the entry, its place in the queue and its share of a
    /// table, which is a slot of the users' or one of the targets' of a user with many.
    private static let entryOverhead = MemoryLayout<PendingVote>.stride + MemoryLayout<Place>.stride + 32

    private struct Place {
        var position: Position
        var user: ExactName
        var target: String

        static let passed = Place(position: .start, user: ExactName(""), target: "")

        var cost: Int { PendingVotes.entryOverhead + user.text.utf8.count + target.utf8.count }
    }

    private var byUser: [ExactName: UserVotes] = [:]
    private var queues: [[Place]]
    private var heads: [Int]
    /// The position that each partition's caches and projections are clean up to (exclusive).
    private(set) var clean: [Position]
    private(set) var count = 0
    private(set) var bytes = 0

    init(clean: [Position]) {
        self.clean = clean
        queues = Array(repeating: [], count: clean.count)
        heads = Array(repeating: 0, count: clean.count)
    }

    /// The user's pending votes.
    func votes(of user: String) -> UserVotes? { byUser[ExactName(user)] }

    /// Keeps a vote until its partition is clean past it.
    ///
    /// - Parameter isRepeat: another request sent the vote. It may be added by that one too, before or afterwards, and
    ///   counts once then; the version is the sender's as soon as it is known.
    mutating func add(_ vote: PendingVote, user: String, isRepeat: Bool = false) {
        let user = ExactName(user)
        let partition = vote.position.partition
        guard vote.position.position >= clean[partition] else {
            // Queues are in the order of adding, so a place with a higher position may keep the queue from passing an older
            // vote. It must not stay in front of this one, which the stores hold already.
            return drop(user, vote.targetID, partition: partition, before: clean[partition])
        }
        guard byUser[user, default: UserVotes()].put(vote, isRepeat: isRepeat) else { return }
        let place = Place(position: vote.position.position, user: user, target: vote.targetID)
        queues[partition].append(place)
        count += 1
        bytes += place.cost
    }

    /// Moves a partition's clean position, and drops what it passed.
    mutating func advance(partition: Int, clean position: Position) {
        guard position > clean[partition] else { return }
        clean[partition] = position
        var head = heads[partition]
        while head < queues[partition].count {
            let place = queues[partition][head]
            guard place.position < position else { break }
            drop(place.user, place.target, partition: partition, before: position)
            bytes -= place.cost
            // Its strings go now, not when the queue is compacted.
            queues[partition][head] = .passed
            head += 1
        }
        count -= head - heads[partition]
        heads[partition] = head
        compact(partition)
    }

    private mutating func drop(_ user: ExactName, _ target: String, partition: Int, before position: Position) {
        guard let index = byUser.index(forKey: user) else { return }
        byUser.values[index].remove(target, partition: partition, before: position)
        if byUser.values[index].all.isEmpty { byUser.remove(at: index) }
    }

    private mutating func compact(_ partition: Int) {
        let head = heads[partition]
        if head == queues[partition].count {
            queues[partition].removeAll(keepingCapacity: head <= 65_536)
            heads[partition] = 0
        } else if head > 65_536, head * 2 > queues[partition].count {
            queues[partition].removeFirst(head)
            heads[partition] = 0
        }
    }
}
