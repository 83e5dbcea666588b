internal import Reactions
internal import Spillway
internal import SpillwayCore
internal import SpillwayHTTP

/// How many votes a user and an address may send: token buckets by user and by address, loopback excepted.
struct VoteLimits: Sendable {
    private let burstByUser: Int
    private let burstByAddress: Int
    private let byUser: KeyedRateLimiter<ExactName>?
    private let byAddress: KeyedRateLimiter<ClientAddress>?

    init(_ configuration: ReactionRoutesConfiguration, time: any TimeSource) {
        burstByUser = configuration.voteBurstPerUser
        burstByAddress = configuration.voteBurstPerAddress
        byUser =
            configuration.voteRatePerUser == 0
            ? nil
            : KeyedRateLimiter(
                rate: Double(configuration.voteRatePerUser), burst: configuration.voteBurstPerUser,
                timeSource: time)
        byAddress =
            configuration.voteRatePerAddress == 0
            ? nil
            : KeyedRateLimiter(
                rate: Double(configuration.voteRatePerAddress), burst: configuration.voteBurstPerAddress,
                timeSource: time)
    }

    /// Lets so many votes through, or refuses them with 429; with 422 if there are never that many at once.
    func take(_ count: Int, user: String, address: ClientAddress) throws {
        let isByAddress = byAddress != nil && !address.isLoopback
        let most = min(byUser == nil ? .max : burstByUser, isByAddress ? burstByAddress : .max)
        guard count <= most else { throw RequestError.field("votes", "may be at most \(most) at once here") }
        // The user first: what a user has too many of is not to cost others behind the address.
        if let byUser, let delay = byUser.limit(ExactName(user), count: count) {
            throw Problem.retry(.tooManyRequests, after: delay, detail: "too many votes of this user")
        }
        if let byAddress, isByAddress, let delay = byAddress.limit(address.limitKey, count: count) {
            throw Problem.retry(.tooManyRequests, after: delay, detail: "too many votes from this address")
        }
    }
}
