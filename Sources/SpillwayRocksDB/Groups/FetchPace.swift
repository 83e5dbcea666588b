internal import SpillwayCore

/// Keeps fetches from the tail of the log apart, so that each finds more; see `SubscriptionRequest.fetchInterval`.
struct FetchPace: Sendable {
    let interval: Duration
    /// Somebody waits: the next fetch is made at once.
    var isHurried = false
    private var next = MonotonicInstant.zero

    init(interval: Duration) { self.interval = interval }

    /// Until when no fetch may be made; `nil` if one may.
    func mayNotFetch(_ now: MonotonicInstant) -> MonotonicInstant? { now < next && !isHurried ? next : nil }

    /// A fetch was made.
    mutating func fetched(_ now: MonotonicInstant) {
        isHurried = false
        next = now + interval
    }
}
