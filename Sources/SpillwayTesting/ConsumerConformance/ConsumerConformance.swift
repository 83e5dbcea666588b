public import Spillway

/// What a `Consumer` has to do over any broker, as checks that each driver's tests run: that the engine and the
/// driver keep the platform's promises together.
///
///     @Test(arguments: ConsumerConformance.checkNames)
///     func consumerConformance(_ name: String) async throws {
///         try await ConsumerConformance { InMemoryBroker() }.run(name)
///     }
///
/// The checks, and those of ``BrokerConformance``, cover the sixteen behaviours of watermill's suite for its drivers
/// (`pubsub/tests`), where they speak of order or of waiting for one key of ours instead of for a whole topic:
///
/// | behaviour | check |
/// |---|---|
/// | PublishSubscribe | broker: *a message arrives as it was sent* |
/// | ConcurrentSubscribe | *members side by side handle everything between them* |
/// | ConcurrentSubscribeMultipleTopics, Topic | *consumers of several topics keep to their own* |
/// | ResendOnError | *a record that fails comes again, and is not committed before* |
/// | NoAck | *a handler that does not return holds up its own key only* |
/// | ContinueAfterSubscribeClose | broker: *nothing is lost when subscribers close and come again* |
/// | ConcurrentClose | *members that leave at once lose nothing* |
/// | ContinueAfterErrors | *members that are killed lose nothing* |
/// | PublishSubscribeInOrder | *a key's records are handled in order beside failures and moves* |
/// | PublisherClose | *what was sent before its sender went is handled* |
/// | MessageCtx | *a handler is cancelled with its consumer, and its record comes again* |
/// | SubscribeCtx | broker: *next() ends after close(), and throws when cancelled* |
/// | NewSubscriberReceivesOldMessages | broker: *a group begins at the earliest or the latest record*; *what comes to a group that begins at the latest record stays its own* |
/// | Reconnect | *a consumer goes on when its connection breaks* |
/// | ConsumerGroups | *each group handles everything* |
///
/// and these failures of other consumers (the first fourteen of the project's list):
///
/// | others' failure | check |
/// |---|---|
/// | 1 a commit from the highest position seen | *a commit stays below what is unfinished, over a change of owner* |
/// | 2 a stale entry swallowed a record | *what comes again to an earlier owner is handled again* |
/// | 3 a rebalance stopped consumption | *members that come and go while handlers run stop nothing* |
/// | 4 a leaked count of what is in flight | *failures and changes of owner leak no room* |
/// | 5 memory grew with retries | *failures and changes of owner leak no room* |
/// | 6 fetching went on while handling was blocked; a pause was lost | *a blocked consumer stops fetching*, *a pause outlives a restart and a change of owner* |
/// | 7 records retried for ever filled the intake | *keys that fail for ever leave room for the others* |
/// | 8 a late commit took effect | broker: *a commit under an earlier generation is refused*; *what comes again to an earlier owner is handled again* |
/// | 9 foreign commit metadata | *a foreign hint of a commit is harmless* |
/// | 10 failed messages were acknowledged | *a record that fails comes again, and is not committed before* |
/// | 11 a long retry blocked later messages; order of retry and dead letters | *a long retry holds up its own key only*, *a poison record is counted, set aside, and holds nothing up* |
/// | 12 no back pressure | broker: *records come only against demand*; *a blocked consumer stops fetching* |
/// | 13 partitions went before handlers had drained | *what is being handled ends before its partition goes* |
/// | 14 shutdown and reconnects blocked each other | *shutdown ends while the broker can't be reached* |
public struct ConsumerConformance: ConformanceSuite {
    let timeout: Duration
    let makeBroker: @Sendable () async throws -> any Broker

    /// Makes a suite.
    ///
    /// - Parameters:
    ///   - timeout: how long something may take that has to happen; default 20 s.
    ///   - makeBroker: makes a broker without topics.
    public init(timeout: Duration = .seconds(20), makeBroker: @escaping @Sendable () async throws -> any Broker) {
        self.timeout = timeout
        self.makeBroker = makeBroker
    }

    /// The checks, in their order.
    public static var checks: [ConformanceCheck<Self>] {
        (handlingChecks + membershipChecks + limitChecks).map { ConformanceCheck($0) }
    }

}
