internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Forgets previous states when no idempotency key can ask for them any more: keys live 24 hours, states a little longer.
///
/// Marks outlive the process; their ages are taken from the wall clock once, at the start.
final class PreviousStateKeeper: Sendable {
    private static let interval = Duration.seconds(3_600)
    private static let lifetime = Duration.seconds(25 * 3_600)

    private struct Mark {
        var at: MonotonicInstant
        var kept: PreviousStateMark
    }

    private let marks: Mutex<[Mark]>
    private let store: any ReactionStore
    private let time: any TimeSource
    private let logger: Logger

    /// Blocks: reads the marks.
    init(store: any ReactionStore, time: any TimeSource, logger: Logger) throws {
        self.store = store
        self.time = time
        self.logger = logger
        let (now, wallMs) = (time.now(), time.wallMilliseconds())
        marks = Mutex(
            try store.previousStateMarks().map { mark in
                let (age, overflow) = wallMs.subtractingReportingOverflow(mark.atMs)
                return Mark(at: now - .milliseconds(overflow ? 0 : max(0, age)), kept: mark)
            })
    }

    /// Marks the present positions once an hour, and forgets what stands before a mark of 25 hours ago.
    func forgetOld(_ overlay: Overlay) {
        let now = time.now()
        let (next, old) = marks.withLock { marks -> (PreviousStateMark?, [PreviousStateMark]) in
            if let last = marks.last, now < last.at + Self.interval { return (nil, []) }
            let next = PreviousStateMark(atMs: time.wallMilliseconds(), positions: overlay.clean)
            marks.append(Mark(at: now, kept: next))
            let old = marks.prefix { $0.at + Self.lifetime <= now }.map(\.kept)
            marks.removeFirst(old.count)
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
