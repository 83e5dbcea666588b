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
    /// What an entry takes in memory besides its strings, in bytes: the entry, its place in the queue and the table's share.
    private static let entryOverhead = 136

    private struct Place {
        var low: UInt64
        var high: UInt64
        var user: UserKey
        var cost: Int
    }

    private var byUser: [UserKey: [PendingVote]] = [:]
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

    /// The user's pending votes, at most one a target: the one with the highest position.
    func votes(of user: String) -> [PendingVote]? { byUser[UserKey(user)] }

    /// Keeps a vote until its partition is clean past it.
    ///
    /// - Parameter isRepeat: another request sent the vote. It may be added by that one too, before or afterwards, and
    ///   counts once then; the version is the sender's as soon as it is known.
    mutating func add(_ vote: PendingVote, user: String, isRepeat: Bool = false) {
        let user = UserKey(user)
        let partition = vote.position.partition
        guard vote.position.position >= clean[partition] else {
            // Queues are in the order of adding, so a place with a higher position may keep the queue from passing an older
            // vote. It must not stay in front of this one, which the stores hold already.
            return drop(user, partition: partition, before: clean[partition])
        }
        guard Self.put(vote, into: &byUser[user, default: []], isRepeat: isRepeat) else { return }
        let cost = Self.entryOverhead + vote.targetID.utf8.count + user.id.utf8.count
        queues[partition].append(
            Place(low: vote.position.position.low, high: vote.position.position.high, user: user, cost: cost))
        count += 1
        bytes += cost
    }

    /// Returns whether the vote needs a place in the queue.
    private static func put(_ vote: PendingVote, into votes: inout [PendingVote], isRepeat: Bool) -> Bool {
        guard let index = votes.firstIndex(where: { $0.targetID == vote.targetID }) else {
            votes.append(vote)
            return true
        }
        let known = votes[index].position.position
        if known == vote.position.position {
            // Lists are ordered by the record's version, and a repeat knows only its own.
            if !isRepeat { votes[index] = vote }
            return false
        }
        if known > vote.position.position { return !isRepeat }
        // The older vote's place in the queue stays, and so does its cost until the queue passes it.
        votes[index] = vote
        return true
    }

    /// Moves a partition's clean position, and drops what it passed.
    mutating func advance(partition: Int, clean position: Position) {
        guard position > clean[partition] else { return }
        clean[partition] = position
        var head = heads[partition]
        while head < queues[partition].count {
            let place = queues[partition][head]
            guard Position(high: place.high, low: place.low) < position else { break }
            drop(place.user, partition: partition, before: position)
            bytes -= place.cost
            head += 1
        }
        count -= head - heads[partition]
        heads[partition] = head
        compact(partition)
    }

    private mutating func drop(_ user: UserKey, partition: Int, before position: Position) {
        guard let index = byUser.index(forKey: user) else { return }
        byUser.values[index].removeAll {
            $0.position.partition == partition && $0.position.position < position
        }
        if byUser.values[index].isEmpty { byUser.remove(at: index) }
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
