public import Synchronization

/// A count that only grows; shaped like swift-metrics' `Counter`. One relaxed atomic add an increment.
public final class Counter: Sendable {
    @usableFromInline
    let count = Atomic<Int64>(0)

    init() {}

    /// Adds to the count; not negative.
    @inlinable
    public func increment(by amount: Int64) {
        assert(amount >= 0, "a counter only grows; use a Meter")
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Adds to the count; not negative, default 1.
    @inlinable
    public func increment(by amount: Int = 1) { increment(by: Int64(amount)) }

    /// The count now.
    @inlinable
    public var value: Int64 { count.load(ordering: .relaxed) }
}
