import SpillwayCore

/// The records of one key in an engine, in order; those in front may be with a worker.
///
/// A lane is ready (and then in a ready queue exactly once), running (some of its records are with a worker) or parked
/// (waiting for its next attempt). It is gone as soon as it is empty, so its first record always has its key.
struct Lane: Sendable {
    enum State: Sendable, Equatable {
        case free
        case ready
        case running
        case parked
    }

    /// In place of the number of a lane that has gone.
    static let gone = -1

    var state = State.free
    var epoch: UInt64 = 0
    /// Of its key and epoch; nothing ever joins a lane without a key.
    var hash: UInt64 = 0
    var isKeyed = false
    /// Whose workers handle it; see ``LanePool``.
    var pool = LanePool.shared
    var entries = EntryList()
    /// How many records in front are with a worker.
    var out = 0
    /// Bytes of the records that are not with a worker.
    var bytes = 0
    /// Since when it is ready.
    var since = MonotonicInstant.zero
    /// Until when it is parked.
    var parkedUntil = MonotonicInstant.zero
}

/// Which workers a lane goes to.
enum LanePool: Int, Sendable, CaseIterable {
    /// All keys but the hot ones.
    case shared = 0
    /// Keys that take more than their share.
    case hot = 1
}
