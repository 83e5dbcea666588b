internal import Spillway
internal import SpillwayCache
internal import SpillwayCore
internal import Synchronization

/// Fills the callers' cache after a start, the newest users first, until it is three quarters full. A walk reads a user's reactions
/// in a third of the time that the user's own first request takes for them.
///
/// It fills as any reader does: the lease comes before the snapshot, so a change in between voids the fill.
final class CallersWarming: Sendable {
    /// Users read in one snapshot.
    private static let pageUsers: UInt64 = 1_024

    private let store: any WarmableStore
    private let callers: LocalCache<ExactName, CallerStates>
    private let limit: Int
    /// All users from this number on are done.
    private let done: Mutex<UInt64>

    init(_ store: any WarmableStore, _ callers: LocalCache<ExactName, CallerStates>, limit: Int) {
        self.store = store
        self.callers = callers
        self.limit = limit
        done = Mutex(store.userNumbers.upperBound)
    }

    /// Reads one page of users and caches what is not cached yet. Blocks. False if there is nothing left to do.
    func fillPage() throws -> Bool {
        guard callers.statistics().bytes < callers.configuration.maxBytes / 4 * 3 else { return false }
        let first = store.userNumbers.lowerBound
        let page = done.withLock { done -> Range<UInt64> in
            let end = done
            done = max(first, end > Self.pageUsers ? end - Self.pageUsers : 0)
            return done..<end
        }
        if page.isEmpty { return false }
        let leases = try store.users(page).map { user in (user.number, callers.fillLease(ExactName(user.id))) }
        let read = try store.callerStates(of: page, limit: limit)
        for (number, lease) in leases {
            guard let lease else { continue }
            let states = read[Int(number - page.lowerBound)]
            callers.fill(lease, states, version: CacheVersion(epoch: store.epoch, position: states.storeSequence))
        }
        return true
    }
}
