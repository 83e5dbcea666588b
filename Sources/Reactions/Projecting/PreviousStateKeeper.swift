internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Forgets previous states when no idempotency key can ask for them any more: keys live 24 hours, states a little longer.
///
/// Marks outlive the process; their ages are taken from the wall clock once, at the start. Held is how long they have
/// still to go, not when they were made: that may be before the time that the other clock begins with, at a boot.
final class PreviousStateKeeper: Sendable {
    private static let interval = Duration.seconds(3_600)
    private static let lifetime = Duration.seconds(25 * 3_600)

    private struct Mark {
        /// When what stands before it may be forgotten.
        var passes: MonotonicInstant
        var kept: PreviousStateMark
    }

    private struct State {
        var marks: [Mark]
        var next: MonotonicInstant
    }

    private let state: Mutex<State>
    private let store: any ReactionStore
    private let time: any TimeSource
    private let logger: Logger

    /// Blocks: reads the marks.
    init(store: any ReactionStore, time: any TimeSource, logger: Logger) throws {
        self.store = store
        self.time = time
        self.logger = logger
        let (now, wallMs) = (time.now(), time.wallMilliseconds())
        let kept = try store.previousStateMarks()
        func left(of period: Duration, since mark: PreviousStateMark) -> Duration {
            let (age, overflow) = wallMs.subtractingReportingOverflow(mark.atMs)
            return max(.zero, period - .milliseconds(overflow ? 0 : max(0, age)))
        }
        state = Mutex(
            State(
                marks: kept.map { Mark(passes: now + left(of: Self.lifetime, since: $0), kept: $0) },
                next: now + (kept.last.map { left(of: Self.interval, since: $0) } ?? .zero)))
    }

    /// Marks the present positions once an hour, and forgets what stands before a mark of 25 hours ago.
    func forgetOld(_ overlay: Overlay) {
        let now = time.now()
        let (next, old) = state.withLock { state -> (PreviousStateMark?, [PreviousStateMark]) in
            if now < state.next { return (nil, []) }
            let next = PreviousStateMark(atMs: time.wallMilliseconds(), positions: overlay.clean)
            state.marks.append(Mark(passes: now + Self.lifetime, kept: next))
            state.next = now + Self.interval
            let old = state.marks.prefix { $0.passes <= now }.map(\.kept)
            state.marks.removeFirst(old.count)
            return (next, old)
        }
        guard let next else { return }
        do {
            try store.mark(next, forgetting: old)
        } catch {
            logger.warning("previous states could not be forgotten", metadata: ["error": "\(error)"])
        }
    }
}
