public import Reactions
public import SpillwayCore
public import SpillwayHTTP

/// Who may list a target's voters.
public enum VotersAccess: String, Hashable, Sendable {
    /// Everyone.
    case anyone
    /// Whoever has a token.
    case token
    /// Whoever has a token of scope admin.
    case admin
}

/// What can be set of the routes.
public struct ReactionRoutesConfiguration: Sendable {
    /// The target types that votes may carry.
    public var targetTypes: [String]
    /// Who may list a target's voters; default whoever has a token.
    public var votersAccess = VotersAccess.token
    /// Votes a second of one user; 0 is no limit. Default 1,000.
    public var voteRatePerUser = 1_000
    /// Votes of one user at once. Default 10,000.
    public var voteBurstPerUser = 10_000
    /// Votes a second from one address, loopback excepted; 0, the default, is no limit.
    public var voteRatePerAddress = 0
    /// Votes from one address at once. Default 100,000.
    public var voteBurstPerAddress = 100_000
    /// The greatest body of a batch, in bytes. Default 1 MiB.
    public var maximumBatchBodyBytes = 1 << 20
    /// Streams at once; more are answered 503. Default 10,000.
    public var maximumStreams = 10_000

    /// The defaults.
    public init(targetTypes: [String]) { self.targetTypes = targetTypes }
}

/// The routes of the reactions service over HTTP.
public struct ReactionRoutes: Sendable {
    let service: any ReactionServing
    let authentication: Authentication
    let configuration: ReactionRoutesConfiguration
    let decoder: VoteDecoder
    let limits: VoteLimits
    let streams: StreamLimit

    /// - Parameters:
    ///   - service: what answers.
    ///   - authentication: who asks.
    public init(
        service: any ReactionServing, authentication: Authentication, configuration: ReactionRoutesConfiguration,
        time: any TimeSource = SystemTimeSource()
    ) {
        self.service = service
        self.authentication = authentication
        self.configuration = configuration
        decoder = VoteDecoder(targetTypes: configuration.targetTypes)
        limits = VoteLimits(configuration, time: time)
        streams = StreamLimit(maximum: configuration.maximumStreams)
    }

    /// Adds the routes.
    public func register(on router: inout HTTPRouter) {
        router.on(.post, "/v1/votes", handler: vote)
        router.on(
            .post, "/v1/votes/batch", maximumBodyBytes: configuration.maximumBatchBodyBytes, handler: batch)
        router.on(.get, "/v1/votes/summary", handler: summary)
        // What a body takes of the memory for large ones is given back at the end of the answer, which a stream puts off.
        router.on(.get, "/v1/votes/stream", maximumBodyBytes: 0, handler: stream)
        router.on(.get, "/v1/me/votes", handler: mine)
        router.on(.get, "/v1/targets/{id}/voters", handler: voters)
    }
}
