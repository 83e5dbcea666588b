import Spillway
import SpillwayCore

extension RetryPolicy {
    /// What an engine is told of a record's outcome, as a consumer tells it.
    func result(
        of outcome: RecordOutcome, _ record: WorkRecord, hasFailureStore: Bool, now: MonotonicInstant,
        using random: inout SeededRandom
    ) -> WorkResult {
        let attempt = record.context.attempt
        let decision = decision(on: outcome, attempt: attempt, rounds: record.rounds, using: &random)
        func move(_ destination: Move.Destination, _ error: any Error) -> WorkResult {
            let retryAt = now + backoff.delay(afterAttempts: attempt, using: &random)
            return .move(Move(destination, reason: "\(error)"), orRetryAt: retryAt)
        }
        switch decision {
        case .finish: return .finished
        case .retry(let delay, _): return .retry(at: now + delay)
        case .hold(let delay, let error): return move(.hold(until: now + delay), error)
        case .delay(let delay, let error): return move(.delay(until: now + delay), error)
        case .giveUp(let error): return hasFailureStore ? move(.deadLetter, error) : .finished
        }
    }
}
