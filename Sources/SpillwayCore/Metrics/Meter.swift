import Synchronization

/// A value that goes up and down (Prometheus' gauge); shaped like swift-metrics' `Meter`.
public final class Meter: Sendable {
    private let bits = AtomicDouble()

    init() {}

    /// Sets the value.
    public func set(_ value: Double) { bits.store(value) }

    /// Sets the value.
    public func set(_ value: Int) { bits.store(Double(value)) }

    /// Adds to the value.
    public func increment(by amount: Double = 1) { bits.add(amount) }

    /// Takes from the value.
    public func decrement(by amount: Double = 1) { bits.add(-amount) }

    /// Adds to the value.
    public func increment(by amount: Int) { bits.add(Double(amount)) }

    /// Takes from the value.
    public func decrement(by amount: Int) { bits.add(-Double(amount)) }

    /// The value now.
    public var value: Double { bits.load() }
}
