/// What can be set of the reactions service.
public struct ReactionsConfiguration: Hashable, Sendable {
    /// The log's topic. Default `reactions`.
    public var topic = "reactions"
    /// Partitions of the topic, 1 to 1,024; fixed once there is data. Default 4.
    public var partitions = 4
    /// The target types that votes may carry, at most 31. Default video and comment.
    public var targetTypes = ["video", "comment"]
    /// How many acknowledged votes may wait for the projections; beyond it votes get 429. Default 2 million.
    public var pendingVotesRecords = 2_000_000
    /// How much memory they may take, in bytes. Default 512 MiB.
    public var pendingVotesBytes = 512 << 20
    /// How long a read waits for positions that it was given. Default 1 s.
    public var positionWait: Duration = .seconds(1)
    /// How long a vote waits for its outcome where that was asked for. Default 1 s.
    public var outcomeWait: Duration = .seconds(1)
    /// Live idempotency keys of one user. Default 10,000.
    public var idempotencyQuota = 10_000
    /// Memory for cached counts, in bytes. Default 64 MiB.
    public var countsCacheBytes = 64 << 20
    /// Memory for callers' cached states, in bytes. Default 128 MiB.
    public var callersCacheBytes = 128 << 20
    /// The longest life of a cached value; it bounds a mistake, since every change passes through. Default 10 minutes.
    public var cacheTimeToLive: Duration = .seconds(600)
    /// How long a start may take, from ``ReactionService/init(configuration:broker:store:blocking:projections:registry:logger:time:)``
    /// on, to fill the callers' cache before the service is ready; what is left then is filled beside the traffic.
    /// Default 2 s.
    public var warmUp: Duration = .seconds(2)
    /// A user with more reactions than this has states read by point reads. Default 4,096.
    public var callerStatesLimit = 4_096
    /// Records that a projection takes in one transaction. Default 4,096.
    public var projectionBatchRecords = 4_096
    /// How long what the projections have begun may go on after graceful shutdown began. Default 20 s.
    public var drainTimeout: Duration = .seconds(20)
    /// Do not run the projections: for tests of the overlay and its rebuild. Default false.
    public var projectionsPaused = false

    /// The defaults.
    public init() {}
}
