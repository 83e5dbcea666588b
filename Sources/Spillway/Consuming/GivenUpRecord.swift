/// A record that a consumer without a ``FailureStore`` gives up: it failed permanently, or used up its attempts under
/// ``RetryPolicy/Exhaustion/giveUp``.
public struct GivenUpRecord: Sendable {
    /// The record, its partition and how often it was handled.
    public let context: HandlingContext
    /// Why.
    public let error: any Error

    /// Makes one, as tests of hooks need.
    public init(context: HandlingContext, error: any Error) {
        self.context = context
        self.error = error
    }
}

/// Takes a record that is given up, such as into a table of dead letters. The record counts as finished once this
/// returns; if it throws, the record is handled again after a backoff.
public typealias GivenUpHook = @Sendable (GivenUpRecord) async throws -> Void
