import SpillwayCore

/// The tokens of a ``MoveBudgetPolicy``.
struct MoveBudget: Sendable {
    private(set) var tokens: Double
    private var policy: MoveBudgetPolicy
    private var updated = MonotonicInstant.zero

    init(_ policy: MoveBudgetPolicy) {
        self.policy = policy
        tokens = Double(policy.capacity)
    }

    /// Goes on under another policy.
    mutating func change(_ policy: MoveBudgetPolicy) {
        self.policy = policy
        tokens = min(tokens, Double(policy.capacity))
    }

    mutating func earn(successes: Int) { add(Double(successes) * policy.earnedBySuccess) }

    /// Takes a token if there is one.
    mutating func spend(now: MonotonicInstant) -> Bool {
        if policy.earnedByMinute > 0, now > updated {
            if updated > .zero { add(Double((now - updated).wholeNanoseconds) * policy.earnedByMinute / 60e9) }
            updated = now
        }
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }

    private mutating func add(_ count: Double) { tokens = min(Double(policy.capacity), tokens + count) }
}
