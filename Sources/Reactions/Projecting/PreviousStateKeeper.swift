internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// Forgets previous states when no idempotency key can ask for them any more: keys live 24 hours, states a little longer.
final class PreviousStateKeeper: Sendable {
    private static let interval = Duration.seconds(3_600)
    private static let lifetime = Duration.seconds(25 * 3_600)

    private struct Mark {
        var at: MonotonicInstant
        var positions: [Position]
    }

    private let marks = Mutex<[Mark]>([])
    private let store: any ReactionStore
    private let time: any TimeSource
    private let logger: Logger

    init(store: any ReactionStore, time: any TimeSource, logger: Logger) {
        self.store = store
        self.time = time
        self.logger = logger
    }

    /// Marks the present positions once an hour, and forgets what stands before a mark of 25 hours ago.
    func forgetOld(_ overlay: Overlay) {
        let now = time.now()
        let old = marks.withLock { marks -> [Position]? in
            if let last = marks.last, now < last.at + Self.interval { return nil }
            marks.append(Mark(at: now, positions: overlay.clean))
            guard let index = marks.lastIndex(where: { $0.at + Self.lifetime <= now }) else { return nil }
            let positions = marks[index].positions
            marks.removeFirst(index + 1)
            return positions
        }
        guard let old else { return }
        do {
            try store.forgetPreviousStates(before: old)
        } catch {
            logger.warning("previous states could not be forgotten", metadata: ["error": "\(error)"])
        }
    }
}
