internal import Synchronization

/// What other threads hand to a loop: jobs of the Swift runtime and closures, in order.
///
/// Wake-ups are joined: whoever finds the box empty wakes the loop, and the loop takes everything at once.
final class EventLoopMailbox: Sendable {
    /// One piece of work.
    enum Entry {
        case job(UnownedJob)
        case body(@Sendable () -> Void)
    }

    /// What became of an entry.
    enum Outcome {
        /// The loop already knows that there is work.
        case queued
        /// The caller wakes the loop, then calls ``woke()``.
        case wake
        /// The loop has stopped; the entry was not taken.
        case closed
    }

    private struct State {
        var entries: [Entry] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    /// Senders between "box was empty" and the end of their wake-up; the wake-up handle outlives them.
    private let wakersInFlight = Atomic<Int>(0)

    func put(_ entry: sending Entry) -> Outcome {
        state.withLock { state in
            if state.isClosed { return .closed }
            state.entries.append(entry)
            if state.entries.count > 1 { return .queued }
            wakersInFlight.wrappingAdd(1, ordering: .relaxed)
            return .wake
        }
    }

    func woke() {
        wakersInFlight.wrappingSubtract(1, ordering: .releasing)
    }

    /// Swaps the waiting entries with an empty array, whose memory is used again.
    func take(into spare: inout [Entry]) {
        state.withLock { state in
            if state.entries.isEmpty { return }
            swap(&state.entries, &spare)
        }
    }

    /// From now on ``put(_:)`` refuses; returns what is left.
    func close() -> [Entry] {
        state.withLock { state in
            state.isClosed = true
            let rest = state.entries
            state.entries = []
            return rest
        }
    }

    /// Whether no sender still touches the wake-up handle; after ``close()`` no new one comes.
    var isQuiet: Bool { wakersInFlight.load(ordering: .acquiring) == 0 }
}
