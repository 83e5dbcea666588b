/// What happens to a record whose handling fails.
///
/// First it is tried again in place: its key (or partition) waits, everything else goes on. When the attempts in place are
/// used up, ``whenExhausted`` says what follows. A permanent failure is given up at once either way.
public struct RetryPolicy: Hashable, Sendable {
    /// What follows when the attempts in place are used up; more ways may come.
    public struct Exhaustion: Hashable, Sendable {
        private let name: String
        private init(_ name: String) { self.name = name }

        /// The record is tried again for ever, and its key (or partition) waits in the consumer.
        public static let retryForever = Exhaustion("retry-forever")
        /// The record goes to the side queue, with all later ones of its key, which wait behind it there: order holds,
        /// and neither the key nor its partition holds anything else up. Needs order by key and a ``FailureStore``. A
        /// record without a key is delayed. One whose key has more than 65,535 bytes can't be held, and is given up instead:
        /// its key goes on without it, so order still holds.
        public static let hold = Exhaustion("hold")
        /// The record goes to the side queue alone, and its key goes on: order is waived for it. Needs a
        /// ``FailureStore``, and order by key or none.
        public static let delay = Exhaustion("delay")
        /// The record goes to the dead letters if the consumer has a ``FailureStore``, is counted, handed to the
        /// consumer's `onGivenUp`, and finished.
        public static let giveUp = Exhaustion("give-up")
    }

    /// The waits between attempts in place.
    public var backoff: Backoff
    /// How often a record is handled before ``whenExhausted`` applies; at least 1, default 5.
    public var maxAttempts: Int
    /// What follows then; default ``Exhaustion/retryForever``.
    public var whenExhausted: Exhaustion
    /// The waits in the side queue, from the first round on; default 10 s to an hour.
    public var sideBackoff: Backoff
    /// How many rounds through the side queue a record may take before it is given up; at least 1, `nil`, the default,
    /// is for ever. A record is handled once in a round.
    public var maxRounds: Int?
    /// How many records may be moved away while others succeed.
    public var moveBudget: MoveBudgetPolicy

    /// Makes a policy.
    public init(
        backoff: Backoff = Backoff(), maxAttempts: Int = 5, whenExhausted: Exhaustion = .retryForever,
        sideBackoff: Backoff = Backoff(base: .seconds(10), maximum: .seconds(3_600)), maxRounds: Int? = nil,
        moveBudget: MoveBudgetPolicy = MoveBudgetPolicy()
    ) {
        precondition(maxAttempts >= 1, "a record is handled at least once")
        precondition(maxRounds.map { $0 >= 1 } ?? true, "a record that goes to the side queue comes back at least once")
        self.backoff = backoff
        self.maxAttempts = maxAttempts
        self.whenExhausted = whenExhausted
        self.sideBackoff = sideBackoff
        self.maxRounds = maxRounds
        self.moveBudget = moveBudget
    }

    /// What to do with a record after an outcome.
    package enum Decision {
        case finish
        case retry(after: Duration, any Error)
        case delay(for: Duration, any Error)
        case hold(for: Duration, any Error)
        case giveUp(any Error)
    }

    /// Decides on an outcome of the given attempt, counted from 1, after so many rounds through the side queue.
    package func decision(
        on outcome: RecordOutcome, attempt: Int, rounds: Int = 0, using random: inout some RandomNumberGenerator
    ) -> Decision {
        switch outcome {
        case .done: return .finish
        case .fail(let error): return .giveUp(error)
        case .retry(let error):
            guard rounds > 0 || attempt >= maxAttempts, whenExhausted != .retryForever else {
                return .retry(after: backoff.delay(afterAttempts: attempt, using: &random), error)
            }
            if whenExhausted == .giveUp || maxRounds.map({ rounds >= $0 }) ?? false { return .giveUp(error) }
            let wait = sideBackoff.delay(afterAttempts: rounds + 1, using: &random)
            return whenExhausted == .hold ? .hold(for: wait, error) : .delay(for: wait, error)
        }
    }
}
