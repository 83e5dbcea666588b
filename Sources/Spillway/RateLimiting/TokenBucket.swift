public import SpillwayCore

/// A token bucket: so many tokens a second flow in, up to the burst; each record takes one.
///
/// After the token bucket of Turner, "New directions in communications" (IEEE Communications Magazine, 1986). A bucket
/// begins full. It holds no clock: the time is handed in and must not go back. Any rate and burst will do: what lies
/// beyond what can be counted, a burst of 10¹⁵ and a wait of 285 years, is held there.
public struct TokenBucket: Hashable, Sendable {
    /// Tokens a second; above zero.
    public private(set) var rate: Double
    /// The most tokens that it holds; 1 to 10¹⁵.
    public private(set) var burst: Double
    /// Below zero while reservations wait.
    private var tokens: Double
    private var updated: MonotonicInstant

    /// A floating point number counts whole tokens exactly up to here, and far beyond.
    static let maxBurst = 1e15
    /// What a duration's nanoseconds can say, rounded down.
    private static let maxWaitNanoseconds = 9e18

    /// Makes a full bucket.
    public init(rate: Double, burst: Int, now: MonotonicInstant) {
        precondition(
            rate > 0 && rate.isFinite && burst >= 1, "a bucket needs a rate above zero and a burst of 1 or more")
        self.rate = rate
        self.burst = min(Double(burst), Self.maxBurst)
        tokens = self.burst
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
        return tokens >= 0 ? .zero : wait(for: -tokens)
    }

    /// Gives tokens of a reservation back that was not used.
    public mutating func giveBack(_ count: Int) { tokens = min(burst, tokens + Double(count)) }

    /// How long until so many tokens are there; `nil` if they never are.
    public func delay(until count: Int, now: MonotonicInstant) -> Duration? {
        guard Double(count) <= burst else { return nil }
        let missing = Double(count) - available(now)
        return missing <= 0 ? .zero : wait(for: missing)
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
        self.burst = min(Double(burst), Self.maxBurst)
        tokens = min(tokens, self.burst)
    }

    /// The burst of a bucket that holds what flows in within so many seconds.
    static func burst(rate: Double, seconds: Double) -> Int { Int(max(1, min(rate * seconds, maxBurst))) }

    private func wait(for missing: Double) -> Duration {
        .nanoseconds(Int64(min((missing / rate * 1e9).rounded(.up), Self.maxWaitNanoseconds)))
    }

    private mutating func refill(_ now: MonotonicInstant) {
        guard now > updated else { return }
        tokens = available(now)
        updated = now
    }
}
