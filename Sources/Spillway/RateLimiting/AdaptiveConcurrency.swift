/// A limit on concurrency that follows what the handler's dependency can take; off unless it is set.
public struct AdaptiveConcurrency: Hashable, Sendable {
    /// The least limit; at least 1, default 1.
    public var minLimit: Int
    /// What the limit begins with; default 4. The consumer's concurrency is the most it becomes.
    public var initialLimit: Int
    /// How much longer than usual handling may take before the limit falls; at least 1, default 1.5.
    public var tolerance: Double

    /// Makes a limit.
    public init(minLimit: Int = 1, initialLimit: Int = 4, tolerance: Double = 1.5) {
        self.minLimit = minLimit
        self.initialLimit = initialLimit
        self.tolerance = tolerance
    }

    /// Keeps within another concurrency.
    mutating func hold(to concurrency: Int) {
        minLimit = min(minLimit, concurrency)
        initialLimit = min(initialLimit, concurrency)
    }
}
