internal import SpillwayCore

/// Decides when the log writer, without anything to write, syncs once more.
///
/// Two reasons: projections write without a sync, and what they applied is to be durable soon; and the last durable
/// batch needs a witness behind it. Both can wait until no send has come for a while.
struct IdleSync {
    private let delay: Duration
    private var lastSend = MonotonicInstant.zero
    /// The sequence that the last batch's sync covered.
    private var acknowledged: UInt64 = 0
    /// The greatest sequence that a durable witness vouches for.
    private var attested: UInt64 = 0
    private var noticedAt: MonotonicInstant?

    init(delay: Duration) { self.delay = delay }

    mutating func sent(_ now: MonotonicInstant, _ durable: UInt64) {
        lastSend = now
        acknowledged = durable
        noticedAt = nil
    }

    mutating func synced(_ witness: UInt64) {
        attested = max(attested, witness)
        noticedAt = nil
    }

    /// There was no room for a witness: as if the need for one were only noticed now.
    mutating func postpone(_ now: MonotonicInstant) { noticedAt = now }

    /// When to sync if nothing is sent before; ``MonotonicInstant/distantFuture`` if there is no need.
    mutating func deadline(_ now: MonotonicInstant, hasUnsynced: @autoclosure () -> Bool) -> MonotonicInstant {
        guard acknowledged > attested || hasUnsynced() else {
            noticedAt = nil
            return .distantFuture
        }
        if noticedAt == nil { noticedAt = now }
        return max(lastSend, noticedAt ?? now) + delay
    }
}
