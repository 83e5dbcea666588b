public import SpillwayCore

/// A token bucket: so many tokens a second flow in, up to the burst; each record takes one.
///
/// After the token bucket of Turner, "New directions in communications" (IEEE Communications Magazine, 1986). A bucket
/// begins full. It holds no clock: the time is handed in and must not go back.
public struct TokenBucket: Hashable, Sendable {
    /// Tokens a second; above zero.
    public private(set) var rate: Double
    /// The most tokens that it holds; at least 1.
    public private(set) var burst: Double
    /// Below zero while reservations wait.
    private var tokens: Double
    private var updated: MonotonicInstant

    /// Makes a full bucket.
    public init(rate: Double, burst: Int, now: MonotonicInstant) {
        precondition(
            rate > 0 && rate.isFinite && burst >= 1, "a bucket needs a rate above zero and a burst of 1 or more")
        self.rate = rate
        self.burst = Double(burst)
        tokens = Double(burst)
        updated = now
    }

    /// Takes tokens if they are there.
    ///
    /// - Parameter count: how many; more than the burst are never there.
    public mutating func tryTake(_ count: Int, now: MonotonicInstant) -> Bool {
        refill(now)
        guard tokens >= Double(count) else { return false }
        tokens -= Double(count)
        return true
    }

    /// Takes tokens in any case, and returns how long to wait until they would have been there. Reservations are
    /// served in the order in which they were made.
    public mutating func reserve(_ count: Int, now: MonotonicInstant) -> Duration {
        refill(now)
        tokens -= Double(count)
        return tokens >= 0 ? .zero : .nanoseconds(Int64((-tokens / rate * 1e9).rounded(.up)))
    }

    /// Gives tokens of a reservation back that was not used.
    public mutating func giveBack(_ count: Int) { tokens = min(burst, tokens + Double(count)) }

    /// How long until so many tokens are there; `nil` if they never are.
    public func delay(until count: Int, now: MonotonicInstant) -> Duration? {
        guard Double(count) <= burst else { return nil }
        let missing = Double(count) - available(now)
        return missing <= 0 ? .zero : .nanoseconds(Int64((missing / rate * 1e9).rounded(.up)))
    }

    /// The tokens that are there.
    public func available(_ now: MonotonicInstant) -> Double {
        guard now > updated else { return tokens }
        return min(burst, tokens + Double(now.nanoseconds - updated.nanoseconds) * rate / 1e9)
    }

    /// True if forgetting the bucket changes nothing.
    public func isFull(_ now: MonotonicInstant) -> Bool { available(now) >= burst }

    /// Goes on with another rate and burst; tokens above the burst are lost.
    public mutating func change(rate: Double, burst: Int, now: MonotonicInstant) {
        precondition(
            rate > 0 && rate.isFinite && burst >= 1, "a bucket needs a rate above zero and a burst of 1 or more")
        refill(now)
        self.rate = rate
        self.burst = Double(burst)
        tokens = min(tokens, self.burst)
    }

    private mutating func refill(_ now: MonotonicInstant) {
        guard now > updated else { return }
        tokens = available(now)
        updated = now
    }
}
