/// Decides for how many sends the log writer waits before it writes a group, and for how long at most.
///
/// A sync costs the processors as much as several sends do, whatever it covers, and while it runs only those queue whom
/// the last sync has released. So, as long as many send at once, the writer lets a group gather: all of them when they
/// are up to 32, else 32 or half of them, while the others' answers are on their way.
///
/// A sender who is alone, or one of three, is never waited for. The idea is that of MySQL's
/// `binlog_group_commit_sync_delay` and PostgreSQL's `commit_siblings`.
struct GroupGathering: Sendable {
    /// The longest wait, in nanoseconds: what it may add to a send's latency when senders have just left.
    static let patience: UInt64 = 2_000_000
    /// From here on it is not worth to wait for everybody.
    private static let goodGroup = 32

    /// How many sends were on their way at once lately.
    private var concurrency = 0

    /// The number of sends that a group should have.
    var wanted: Int { concurrency < 4 ? 1 : max(concurrency / 2, min(concurrency, Self.goodGroup)) }

    /// A group has been written.
    ///
    /// - Parameters:
    ///   - sends: how many it held.
    ///   - queued: how many had come meanwhile.
    mutating func wrote(sends: Int, queued: Int) {
        // Falls by an eighth a group, so that it is right again soon after senders have left.
        concurrency = max(sends + queued, concurrency - max(1, concurrency / 8))
    }
}
