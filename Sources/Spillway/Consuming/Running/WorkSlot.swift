import SpillwayCore
import Synchronization

/// The records that one worker handles one by one: which it has ended, which it is at, and which it has not begun.
///
/// Somebody else may take the ended ones, to complete them, and those not begun, to give them to others: what stands
/// behind a record that takes long must not wait for it.
final class WorkSlot: Sendable {
    typealias End = (record: WorkRecord, result: WorkResult)

    private struct State {
        var id: UInt64 = 0
        var records: [WorkRecord] = []
        /// The first record that has not been begun.
        var next = 0
        var ended: [End] = []
        var begun = MonotonicInstant.zero
    }

    private let state = Mutex(State())

    func begin(_ id: UInt64, _ records: [WorkRecord]) {
        state.withLock { $0 = State(id: id, records: records) }
    }

    /// Ends a record and begins the next one; `nil` if there is none.
    func next(after end: End?, now: MonotonicInstant) -> WorkRecord? {
        state.withLock { state in
            if let end { state.ended.append(end) }
            guard state.next < state.records.count else { return nil }
            defer { state.next += 1 }
            state.begun = now
            return state.records[state.next]
        }
    }

    /// The ends that nobody has taken.
    func takeEnds() -> [End] {
        state.withLock { state in
            defer { state = State() }
            return state.ended
        }
    }

    /// Takes ended records, and those that are not begun, away from a worker that has been at one record since before a
    /// time; the body hands them on, under the slot's lock, so that the worker can't end its work meanwhile.
    ///
    /// - Returns: true if there is still something to take, later.
    func relieve(begunBefore limit: MonotonicInstant, _ body: (UInt64, [End], [WorkRecord]) -> Void) -> Bool {
        state.withLock { state in
            guard state.next > 0, state.next < state.records.count || !state.ended.isEmpty else { return false }
            guard state.begun < limit else { return true }
            let rest = Array(state.records[state.next...])
            state.records.removeSubrange(state.next...)
            let ended = state.ended
            state.ended = []
            body(state.id, ended, rest)
            return false
        }
    }
}
