package import SpillwayCore

/// Who handles which event now: the claims of a store that lives in one process.
///
/// It does no I/O and holds no clock. A claim ends when it is completed or abandoned, or when somebody else takes its
/// id after the lease has passed. While a claim is being completed nobody can take its id, whatever the time: else the
/// taker could look for the mark before it is written.
package struct ClaimTable: Sendable {
    private struct Entry: Sendable {
        var number: UInt64
        var expires: MonotonicInstant
        var isCompleting = false
    }

    private let lease: Duration
    private var entries: [EventID: Entry] = [:]
    /// Claims in the order in which their leases pass; most of them have ended.
    private var order = Deque<EventClaim>()
    private var lastNumber: UInt64
    /// What the claims count for.
    package private(set) var bytes = 0

    /// How many claims there are.
    package var count: Int { entries.count }

    /// - Parameter number: every claim's is greater; default 0.
    package init(lease: Duration, above number: UInt64 = 0) {
        self.lease = lease
        lastNumber = number
    }

    /// For how long an id is held; `nil` if it can be claimed.
    package func held(_ id: EventID, now: MonotonicInstant) -> Duration? {
        guard let entry = entries[id] else { return nil }
        if entry.isCompleting { return max(.zero, entry.expires - now) }
        return entry.expires > now ? entry.expires - now : nil
    }

    /// True if claiming the id takes no more room: it takes a claim over.
    package func hasEntry(_ id: EventID) -> Bool { entries[id] != nil }

    /// Claims an id that is not held.
    package mutating func claim(_ id: EventID, now: MonotonicInstant) -> EventClaim {
        lastNumber += 1
        let claim = EventClaim(id: id, number: lastNumber, expires: now + lease)
        let entry = Entry(number: claim.number, expires: claim.expires)
        if entries.updateValue(entry, forKey: id) == nil { bytes += id.byteCount }
        order.append(claim)
        if order.count > 2 * entries.count + 64 { forgetEnded() }
        return claim
    }

    /// Takes a claim for completion; false if it has ended.
    package mutating func startCompleting(_ claim: EventClaim) -> Bool {
        guard let entry = entries[claim.id], entry.number == claim.number, !entry.isCompleting else { return false }
        entries[claim.id]?.isCompleting = true
        return true
    }

    /// Ends a completion that failed; the claim holds on.
    package mutating func completionFailed(_ claim: EventClaim) { entries[claim.id]?.isCompleting = false }

    /// Ends a completion that worked, once the mark can be found.
    package mutating func completed(_ claim: EventClaim) { remove(claim.id) }

    /// Ends a claim, unless it has ended or is being completed.
    package mutating func abandon(_ claim: EventClaim) {
        guard let entry = entries[claim.id], entry.number == claim.number, !entry.isCompleting else { return }
        remove(claim.id)
    }

    /// Ends the claim whose lease passed first, if there is one; to make room.
    package mutating func dropLapsed(now: MonotonicInstant) -> Bool {
        while let first = order.first {
            if let entry = entries[first.id], entry.number == first.number {
                guard first.expires <= now, !entry.isCompleting else { return false }
                remove(first.id)
                _ = order.popFirst()
                return true
            }
            _ = order.popFirst()
        }
        return false
    }

    private mutating func remove(_ id: EventID) {
        if entries.removeValue(forKey: id) != nil { bytes -= id.byteCount }
    }

    private mutating func forgetEnded() {
        var live = Deque<EventClaim>()
        while let claim = order.popFirst() {
            if entries[claim.id]?.number == claim.number { live.append(claim) }
        }
        order = live
    }
}
