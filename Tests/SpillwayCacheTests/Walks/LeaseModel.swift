import SpillwayCache

/// What a cache may answer, kept as simply as it can be said: it knows for each key what its changes were and what was
/// ever filled, and nothing of slots, queues or fences.
struct LeaseModel {
    struct Lease {
        var lease: CacheLease<String>
        var changesThen: Int
        var gapsThen: Int
    }

    struct Row {
        /// The store's own history ends here.
        var version: UInt64 = 1
        var changes = 0
        /// The newest version that a reader of the cache has seen since the last gap.
        var seen: UInt64 = 0
        /// The newest version that an invalidation named, and until when it must hold.
        var fence: UInt64 = 0
        var fencedUntil: UInt64 = 0
    }

    var rows: [String: Row] = [:]
    var gaps = 0

    /// Whether a fill may be accepted at all.
    func allows(_ lease: Lease, _ filled: UInt64, now: UInt64) -> Bool {
        let row = rows[lease.lease.key] ?? Row()
        return row.changes == lease.changesThen && gaps == lease.gapsThen
            && !(row.fencedUntil > now && filled < row.fence)
    }
}
