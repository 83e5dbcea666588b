import SpillwayCore

/// A record in the engine.
struct LaneEntry: Sendable {
    var record: Record
    /// The assignment of its partition.
    var epoch: UInt64
    /// Its place in the partition's ack window; `nil` for a record that did not come through the log.
    var place: UInt64?
    var bytes: Int
    /// How often it has been handled.
    var attempts: Int
}

/// The waiting records of one key, in order.
///
/// A lane is ready (and then in the ready queue exactly once), running (some of its records are with a worker) or
/// parked (waiting for its next attempt). It is gone as soon as it is empty and not running.
struct Lane: Sendable {
    enum State: Sendable, Equatable {
        case ready(since: MonotonicInstant)
        case running
        case parked
    }

    let epoch: UInt64
    /// `nil` if nothing else ever joins this lane.
    let key: LaneKey?
    var state: State
    var entries = Ring<LaneEntry>(capacity: 2)
    var bytes = 0

    mutating func append(_ entry: LaneEntry) {
        entries.append(entry)
        bytes += entry.bytes
    }

    mutating func prepend(_ entry: LaneEntry) {
        entries.prepend(entry)
        bytes += entry.bytes
    }

    mutating func popFirst() -> LaneEntry? {
        guard let entry = entries.popFirst() else { return nil }
        bytes -= entry.bytes
        return entry
    }
}

/// Which records wait for each other.
struct LaneKey: Hashable, Sendable {
    var epoch: UInt64
    var key: ArraySlice<UInt8>
}
