public import SpillwayCore
import Synchronization

/// A clock that moves only when it is told to.
public final class ManualTimeSource: TimeSource {
    private struct Sleeper {
        var deadline: MonotonicInstant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: MonotonicInstant
        var wallMs: Int64
        var wallRestNanoseconds: Int64 = 0
        var lastSleeper = 0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
    }

    private let state: Mutex<State>

    /// Makes a clock that stands at the given times.
    public init(now: MonotonicInstant = MonotonicInstant(nanoseconds: 1_000_000_000), wallMilliseconds: Int64 = 0) {
        state = Mutex(State(now: now, wallMs: wallMilliseconds))
    }

    /// The time that was set last.
    public func now() -> MonotonicInstant { state.withLock { $0.now } }

    /// Moves with ``advance(by:)``, or is set.
    public func wallMilliseconds() -> Int64 { state.withLock { $0.wallMs } }

    /// Sets the wall clock, also back.
    public func setWall(milliseconds: Int64) { state.withLock { $0.wallMs = milliseconds } }

    /// How many tasks sleep.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// The earliest instant that a task sleeps until.
    public var nextDeadline: MonotonicInstant? { state.withLock { $0.sleepers.values.map(\.deadline).min() } }

    /// Moves both clocks, and wakes whoever has slept long enough, the earliest first.
    public func advance(by duration: Duration) {
        let due = state.withLock { state -> [Sleeper] in
            state.now += duration
            let nanoseconds = state.wallRestNanoseconds + duration.wholeNanoseconds
            state.wallMs += nanoseconds / 1_000_000
            state.wallRestNanoseconds = nanoseconds % 1_000_000
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            // Of those with one deadline whoever slept first, so that the order is the same in each run.
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value)
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until the clock has been moved there.
    public func sleep(until deadline: MonotonicInstant) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                enum Answer { case sleeps, passed, cancelled }
                let answer = state.withLock { state -> Answer in
                    if state.cancelled.remove(id) != nil { return .cancelled }
                    if deadline <= state.now { return .passed }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    return .sleeps
                }
                switch answer {
                case .sleeps: break
                case .passed: continuation.resume()
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let sleeper = state.sleepers.removeValue(forKey: id) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return sleeper
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }
}
