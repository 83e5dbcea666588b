/// Decides for how many sends the log writer waits before it writes a group, and for how long at most.
///
/// A sync costs the machine as much as several sends do, whatever it covers, and while it runs only those queue whom the
/// last sync has released. So, as long as many send at once, the writer lets about half of them gather while the other
/// half's answers are on their way. It never waits longer than its last sync took; so a group's latency at most doubles.
///
/// A sender who is alone, or one of a few, is never waited for: groups of fewer than four sends are written at once. The
/// idea is that of MySQL's `binlog_group_commit_sync_delay` and PostgreSQL's `commit_siblings`, without their fixed times.
struct GroupGathering: Sendable {
    /// Longer than any sync of a healthy disk that is worth waiting for, in nanoseconds.
    static let longestWait: UInt64 = 1_000_000

    /// How many sends were on their way at once lately.
    private var concurrency = 0
    private var lastSyncNanoseconds: UInt64 = 0

    /// The number of sends that a group should have.
    var wanted: Int { concurrency < 8 ? 1 : concurrency / 2 }

    /// How long to wait for them, in nanoseconds.
    var patience: UInt64 { min(lastSyncNanoseconds, Self.longestWait) }

    /// A group has become durable.
    ///
    /// - Parameters:
    ///   - sends: how many it held.
    ///   - queued: how many had come meanwhile.
    ///   - syncNanoseconds: how long its sync took.
    mutating func wrote(sends: Int, queued: Int, syncNanoseconds: UInt64) {
        // Falls by an eighth a group, so that it is right again soon after senders have left.
        concurrency = max(sends + queued, concurrency - max(1, concurrency / 8))
        lastSyncNanoseconds = syncNanoseconds
    }
}
