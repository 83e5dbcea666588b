import Synchronization

/// The records that one worker handles one by one: which it has ended, which it is at, and which it has not begun.
///
/// Somebody else may take the ended ones, to complete them, and those not begun, to give them to others: what stands
/// behind a record that takes long must not wait for it. Between two records the worker pays for one compare and
/// exchange; locks are for what is rare.
final class WorkSlot: Sendable {
    private struct State {
        var id: UInt64 = 0
        var records: [WorkRecord] = []
        /// Ends other than ``WorkResult/finished``, by the record's place.
        var failures: [Int: WorkResult] = [:]
        /// How many ends others have taken.
        var taken = 0
        /// What ``begun`` was when somebody looked last.
        var seen = 0
    }

    /// How many records have been begun; ``closed`` when the worker may begin no more.
    private let begun = Atomic(WorkSlot.closed)
    private let state = Mutex(State())
    private static let closed = -1

    func begin(_ id: UInt64, _ records: [WorkRecord]) {
        state.withLock { state in
            state = State(id: id, records: records)
            // Under the lock: whoever looks afterwards sees that there is work, and looks again.
            begun.store(0, ordering: .releasing)
        }
    }

    /// Begins the record at a place, after the end of the one before it; false if somebody has taken it away.
    func claim(_ place: Int) -> Bool {
        begun.compareExchange(expected: place, desired: place + 1, ordering: .acquiringAndReleasing).exchanged
    }

    /// Notes an end that is not ``WorkResult/finished``, before the next record is begun.
    func note(_ result: WorkResult, at place: Int) { state.withLock { $0.failures[place] = result } }

    /// Ends the work: the ends of the first records, so many, that nobody has taken.
    func takeEnds(_ count: Int) -> [WorkEnd] {
        begun.store(Self.closed, ordering: .relaxed)
        return state.withLock { state in
            defer { state = State() }
            return Self.takeEnds(count, &state)
        }
    }

    private static func takeEnds(_ count: Int, _ state: inout State) -> [WorkEnd] {
        defer { state.taken = count }
        return (state.taken..<count).map { WorkEnd(state.records[$0], state.failures[$0] ?? .finished) }
    }

    /// Takes ended records, and those that are not begun, away from a worker that has been at one record since the last
    /// call; the body hands them on, under the slot's lock, so that the worker can't end its work meanwhile.
    ///
    /// - Returns: true if there may be something to take, later.
    func relieve(_ body: (UInt64, [WorkEnd], [WorkRecord]) -> Void) -> Bool {
        state.withLock { state in
            let place = begun.load(ordering: .acquiring)
            guard place != Self.closed, !state.records.isEmpty else { return false }
            guard place > 0, place == state.seen else {
                state.seen = place
                return true
            }
            // The worker may have ended the record just now: then it has its next one, and goes on.
            let (isClosed, _) = begun.compareExchange(
                expected: place, desired: Self.closed, ordering: .acquiringAndReleasing)
            guard isClosed else { return true }
            let rest = Array(state.records[place...])
            let ended = Self.takeEnds(place - 1, &state)
            body(state.id, ended, rest)
            return false
        }
    }
}
