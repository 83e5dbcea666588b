/// What goes wrong at a ``FaultInjectingBroker``, and how often: rates are between 0 and 1.
public struct BrokerFaults: Sendable {
    /// Sends that fail with `queueFull` before anything is written.
    public var failedSends = 0.0
    /// Sends that end with `outcomeUnknown`; half of them were written.
    public var unknownSends = 0.0
    /// The longest time that a send is held up, before and again after it is written.
    public var sendDelay: Duration = .zero
    /// Commits that fail before they are stored.
    public var failedCommits = 0.0
    /// Commits that are stored and fail all the same.
    public var unknownCommits = 0.0
    /// Deliveries that come twice.
    public var duplicateDeliveries = 0.0
    /// The longest time that a delivery is held up.
    public var deliveryDelay: Duration = .zero
    /// Waits for an event that fail; the subscription is dead then, and its partitions go to others.
    public var disconnects = 0.0
    /// Subscribing fails.
    public var failedSubscribes = 0.0

    /// Nothing goes wrong.
    public init() {}
}
