/// How many failed records may be moved away: each move spends a token, and successes earn them. So when everything
/// fails, since something below is down, the consumer slows and waits instead of emptying its topic.
///
/// After the retry budgets of Finagle, with moves in the place of retries.
public struct MoveBudgetPolicy: Hashable, Sendable {
    /// The most tokens; also what a consumer begins with. At least 1, default 100.
    public var capacity: Int
    /// Tokens that one success earns; 0 to 1, default 0.1: one record in eleven may be moved for good.
    public var earnedBySuccess: Double
    /// Tokens that come by themselves; 0 or more a minute, default 0.
    public var earnedByMinute: Double

    /// Makes a policy.
    public init(capacity: Int = 100, earnedBySuccess: Double = 0.1, earnedByMinute: Double = 0) {
        self.capacity = capacity
        self.earnedBySuccess = earnedBySuccess
        self.earnedByMinute = earnedByMinute
    }
}
