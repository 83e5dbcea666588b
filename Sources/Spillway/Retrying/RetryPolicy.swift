/// What happens to a record whose handling fails.
public struct RetryPolicy: Hashable, Sendable {
    /// What follows when the attempts in place are used up; more ways may come.
    public struct Exhaustion: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// The record is tried again for ever, and its key (or partition) waits.
        public static let retryForever = Exhaustion("retry-forever")
        /// The record is counted, handed to the consumer's `onGivenUp`, and finished.
        public static let giveUp = Exhaustion("give-up")
    }

    /// The waits between attempts in place.
    public var backoff: Backoff
    /// How often a record is handled before ``whenExhausted`` applies; at least 1, default 5.
    public var maxAttempts: Int
    /// What follows then; default ``Exhaustion/retryForever``. A permanent failure is given up at once either way.
    public var whenExhausted: Exhaustion

    /// Makes a policy.
    public init(backoff: Backoff = Backoff(), maxAttempts: Int = 5, whenExhausted: Exhaustion = .retryForever) {
        precondition(maxAttempts >= 1, "a record is handled at least once")
        self.backoff = backoff
        self.maxAttempts = maxAttempts
        self.whenExhausted = whenExhausted
    }

    /// What to do with a record after an outcome.
    package enum Decision {
        case finish
        case retry(after: Duration, any Error)
        case giveUp(any Error)
    }

    /// Decides on an outcome of the given attempt, counted from 1.
    package func decision(
        on outcome: RecordOutcome, attempt: Int, using random: inout some RandomNumberGenerator
    ) -> Decision {
        switch outcome {
        case .done: return .finish
        case .fail(let error): return .giveUp(error)
        case .retry(let error):
            if whenExhausted == .giveUp && attempt >= maxAttempts { return .giveUp(error) }
            return .retry(after: backoff.delay(afterAttempts: attempt, using: &random), error)
        }
    }
}
