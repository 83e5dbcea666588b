public import Spillway
public import SpillwayCore
import Synchronization

/// A broker in front of another one, at which things go wrong as told, in an order that a seed decides.
public final class FaultInjectingBroker: Broker {
    struct State {
        var faults: BrokerFaults
        var random: SeededRandom
        var subscriptions: [FaultInjectingSubscription] = []
        /// How often partitions were asked back.
        var revocations = 0
    }

    let inner: any Broker
    let timeSource: any TimeSource
    let state: Mutex<State>

    /// The inner broker's name.
    public var source: String { inner.source }

    /// Puts faults in front of a broker.
    public init(
        _ inner: any Broker, faults: BrokerFaults = BrokerFaults(), seed: UInt64 = 0,
        timeSource: any TimeSource = SystemTimeSource()
    ) {
        self.inner = inner
        self.timeSource = timeSource
        state = Mutex(State(faults: faults, random: SeededRandom(seed: seed)))
    }

    /// What goes wrong from now on.
    public var faults: BrokerFaults {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }

    /// Breaks every subscription that there is.
    public func disconnectAll() async {
        let subscriptions = state.withLock { state in
            defer { state.subscriptions = [] }
            return state.subscriptions
        }
        for subscription in subscriptions { await subscription.breakOff() }
    }

    func happens(_ rate: KeyPath<BrokerFaults, Double>) -> Bool {
        state.withLock { $0.random.chance($0.faults[keyPath: rate]) }
    }

    func delay(_ longest: KeyPath<BrokerFaults, Duration>) async throws {
        let delay = state.withLock { state -> Duration in
            let most = state.faults[keyPath: longest].wholeNanoseconds
            return most > 0 ? .nanoseconds(Int64.random(in: 0...most, using: &state.random)) : .zero
        }
        if delay > .zero { try await timeSource.sleep(for: delay) }
    }

    /// Makes the topic.
    public func ensureTopic(_ topic: String, partitions: Int) async throws -> Int {
        try await inner.ensureTopic(topic, partitions: partitions)
    }

    /// The number of partitions.
    public func partitionCount(of topic: String) async throws -> Int { try await inner.partitionCount(of: topic) }

    /// Sends, or fails.
    public func send(_ message: Message, to topic: String) async throws -> SendReceipt {
        try await faulty { try await self.inner.send(message, to: topic) }
    }

    /// Sends, or fails.
    public func send(_ messages: [Message], to topic: String) async throws -> [SendReceipt] {
        try await faulty { try await self.inner.send(messages, to: topic) }
    }

    private func faulty<Result: Sendable>(_ send: () async throws -> Result) async throws -> Result {
        if happens(\.failedSends) { throw BrokerError(.queueFull, "a fault was injected", isRetriable: true) }
        let isUnknown = happens(\.unknownSends)
        let unknown = BrokerError(.outcomeUnknown, "a fault was injected", isRetriable: true)
        if isUnknown, state.withLock({ $0.random.chance(0.5) }) { throw unknown }
        try await delay(\.sendDelay)
        let result = try await send()
        if isUnknown { throw unknown }
        try await delay(\.sendDelay)
        return result
    }

    /// Joins a group.
    public func subscribe(_ request: SubscriptionRequest) async throws -> any Subscription {
        if happens(\.failedSubscribes) { throw BrokerError(.failed, "a fault was injected", isRetriable: true) }
        let subscription = FaultInjectingSubscription(try await inner.subscribe(request), broker: self)
        state.withLock { $0.subscriptions.append(subscription) }
        return subscription
    }

    /// What a group has committed.
    public func committed(group: String, topic: String) async throws -> [TopicPartition: Position] {
        try await inner.committed(group: group, topic: topic)
    }

    /// The ends of the partitions.
    public func endPositions(of topic: String) async throws -> [TopicPartition: Position] {
        try await inner.endPositions(of: topic)
    }

    /// How much is left to read.
    public func recordCounts(
        from positions: [TopicPartition: Position], of topic: String
    ) async throws -> [TopicPartition: Int] {
        try await inner.recordCounts(from: positions, of: topic)
    }

    var revocations: Int { state.withLock { $0.revocations } }

    func noteRevocation() { state.withLock { $0.revocations += 1 } }

    func forget(_ subscription: FaultInjectingSubscription) {
        state.withLock { state in state.subscriptions.removeAll { $0 === subscription } }
    }
}
