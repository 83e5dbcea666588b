internal import Spillway

/// One user's pending votes, at most one a target: the one with the highest position.
///
/// Most users have one or a few, which are found by looking at each. One user alone may have as many as the overlay
/// takes, so above a limit a table of their targets stands beside them, and nothing done to a vote depends on their number.
struct UserVotes: Sendable {
    /// Up to so many votes a scan is no slower than the table.
    static let scanLimit = 16

    /// The votes, in no order.
    private(set) var all: [PendingVote] = []
    /// Where in ``all`` each target's vote is; empty while they are scanned.
    private var places: [String: Int] = [:]

    /// Whether there are too many to look at each.
    var isMany: Bool { !places.isEmpty }

    /// The vote on a target.
    func vote(on target: String) -> PendingVote? { place(of: target).map { all[$0] } }

    /// The votes on some of the targets, each with the target's index.
    func votes(on targets: [String]) -> [(index: Int, vote: PendingVote)] {
        var found: [(index: Int, vote: PendingVote)] = []
        for (index, target) in targets.enumerated() {
            if let vote = vote(on: target) { found.append((index, vote)) }
        }
        return found
    }

    /// Takes a vote in.
    ///
    /// - Parameter isRepeat: another request sent the vote, and may put it too.
    /// - Returns: whether it needs a place in the queue.
    mutating func put(_ vote: PendingVote, isRepeat: Bool) -> Bool {
        guard let place = place(of: vote.targetID) else {
            append(vote)
            return true
        }
        let known = all[place].position.position
        if known == vote.position.position {
            // Lists are ordered by the record's version, and a repeat knows only its own.
            if !isRepeat { all[place] = vote }
            return false
        }
        if known > vote.position.position { return !isRepeat }
        // The older vote's place in the queue stays, and so does its cost until the queue passes it.
        all[place] = vote
        if isMany {
            // The table's key too, so that the older vote's string goes with its place.
            places[vote.targetID] = nil
            places[vote.targetID] = place
        }
        return true
    }

    /// Removes the vote on a target if it stands before a position of the partition.
    mutating func remove(_ target: String, partition: Int, before position: Position) {
        guard let place = place(of: target) else { return }
        let found = all[place].position
        guard found.partition == partition, found.position < position else { return }
        all.swapAt(place, all.count - 1)
        all.removeLast()
        guard isMany else { return }
        places[target] = nil
        if place < all.count { places[all[place].targetID] = place }
        // Far below the limit, so that a user around it does not make the table again and again.
        if all.count <= Self.scanLimit / 2 { places = [:] }
    }

    private mutating func append(_ vote: PendingVote) {
        all.append(vote)
        if isMany {
            places[vote.targetID] = all.count - 1
        } else if all.count > Self.scanLimit {
            for (place, vote) in all.enumerated() { places[vote.targetID] = place }
        }
    }

    private func place(of target: String) -> Int? {
        isMany ? places[target] : all.firstIndex { $0.targetID == target }
    }
}
