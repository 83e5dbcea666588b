internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// The votes that are acknowledged and perhaps not yet applied, by user (G6), and those who wait for positions.
final class Overlay: Sendable {
    private struct Waiter {
        var positions: [LogPosition]
        var deadline: MonotonicInstant
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var pending: PendingVotes
        var waiters: [Waiter] = []

        func hasPassed(_ positions: [LogPosition]) -> Bool {
            positions.allSatisfy { pending.clean[$0.partition] > $0.position }
        }
    }

    private let state: Mutex<State>
    private let limitRecords: Int
    private let limitBytes: Int
    private let time: any TimeSource

    /// - Parameters:
    ///   - clean: for each partition the position from which on nothing is applied.
    ///   - limitRecords: how many votes may wait for the projections.
    ///   - limitBytes: how much memory they may take.
    init(clean: [Position], limitRecords: Int, limitBytes: Int, time: any TimeSource) {
        state = Mutex(State(pending: PendingVotes(clean: clean)))
        self.limitRecords = limitRecords
        self.limitBytes = limitBytes
        self.time = time
    }

    /// True while there is room for so many votes more.
    func hasRoom(for votes: Int) -> Bool {
        state.withLock { $0.pending.count + votes <= limitRecords && $0.pending.bytes < limitBytes }
    }

    /// Keeps votes of one user; the caller answers afterwards.
    ///
    /// - Parameter isRepeat: another request sent them, and may add them too.
    func add(_ votes: [PendingVote], user: String, isRepeat: Bool = false) {
        state.withLock { state in
            for vote in votes { state.pending.add(vote, user: user, isRepeat: isRepeat) }
        }
    }

    /// Keeps one vote; the caller answers afterwards.
    ///
    /// - Parameter isRepeat: another request sent it, and may add it too.
    func add(_ vote: PendingVote, user: String, isRepeat: Bool = false) {
        state.withLock { $0.pending.add(vote, user: user, isRepeat: isRepeat) }
    }

    /// The user's pending votes.
    func votes(of user: String) -> [PendingVote]? {
        state.withLock { $0.pending.votes(of: user)?.all }
    }

    /// The user's pending votes on some of the targets, each with the target's index.
    func votes(of user: String, on targets: [String]) -> [(index: Int, vote: PendingVote)] {
        let (few, found) = state.withLock { state -> (UserVotes?, [(index: Int, vote: PendingVote)]) in
            guard let votes = state.pending.votes(of: user) else { return (nil, []) }
            // Whoever holds all of them has the next change copy them, which many must not be.
            return votes.isMany ? (nil, votes.votes(on: targets)) : (votes, [])
        }
        return few?.votes(on: targets) ?? found
    }

    /// For each partition, the position from which on something may not be applied.
    var clean: [Position] { state.withLock { $0.pending.clean } }

    /// What waits, in records and bytes.
    var size: (records: Int, bytes: Int) {
        state.withLock { ($0.pending.count, $0.pending.bytes) }
    }

    /// A partition is clean up to the position: projections applied it and caches hold nothing from before.
    func advance(partition: Int, clean position: Position) {
        let passed = state.withLock { state -> [Waiter] in
            state.pending.advance(partition: partition, clean: position)
            if state.waiters.isEmpty { return [] }
            let waiters = state.waiters
            let passed = waiters.filter { state.hasPassed($0.positions) }
            if !passed.isEmpty { state.waiters = waiters.filter { !state.hasPassed($0.positions) } }
            return passed
        }
        for waiter in passed { waiter.continuation.resume(returning: true) }
    }

    /// Whether all positions are applied.
    func hasPassed(_ positions: [LogPosition]) -> Bool { state.withLock { $0.hasPassed(positions) } }

    /// Waits until all positions are applied.
    ///
    /// - Returns: false if they were not by the deadline.
    func wait(for positions: [LogPosition], until deadline: MonotonicInstant) async -> Bool {
        if hasPassed(positions) { return true }
        return await withCheckedContinuation { continuation in
            let isPast = state.withLock { state in
                if state.hasPassed(positions) { return true }
                state.waiters.append(Waiter(positions: positions, deadline: deadline, continuation: continuation))
                return false
            }
            if isPast { continuation.resume(returning: true) }
        }
    }

    /// Answers those whose deadline has come; all of them when the service ends.
    func expire(all: Bool = false) {
        let now = time.now()
        let late = state.withLock { state -> [Waiter] in
            if state.waiters.isEmpty { return [] }
            let late = state.waiters.filter { all || $0.deadline <= now }
            if !late.isEmpty { state.waiters.removeAll { all || $0.deadline <= now } }
            return late
        }
        for waiter in late { waiter.continuation.resume(returning: false) }
    }
}
