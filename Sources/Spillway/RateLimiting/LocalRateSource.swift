public import SpillwayCore
import Synchronization

/// A ``RateSource`` for the members of one process: one token bucket, shared by demand.
public final class LocalRateSource: RateSource {
    private let shared: Mutex<SharedRate>
    private let timeSource: any TimeSource

    /// Makes a source that begins with a full burst.
    ///
    /// - Parameters:
    ///   - rate: records a second over all members, above zero.
    ///   - burst: the most credits that wait to be leased, at least 1. Below the number of members that wait at a time
    ///     some of the rate is lost, since whoever's turn it is holds what there is until it asks.
    ///   - leaseLife: how long credits are good, and how long a member that stopped asking counts; above zero,
    ///     default 1 s.
    ///   - maxMembers: how many members may ask within the life of a lease; at least 1, default 1,000.
    /// - Throws: ``RateSourceError`` with ``RateSourceError/Code/invalidConfiguration``.
    public init(
        rate: Double, burst: Int, leaseLife: Duration = .seconds(1), maxMembers: Int = 1_000,
        timeSource: any TimeSource = SystemTimeSource()
    ) throws {
        try Self.check(rate: rate, burst: burst)
        guard leaseLife > .zero, maxMembers >= 1 else {
            throw RateSourceError(
                .invalidConfiguration, "leaseLife must be above zero, maxMembers at least 1", isRetriable: false)
        }
        self.timeSource = timeSource
        shared = Mutex(
            SharedRate(
                rate: rate, burst: burst, leaseLife: leaseLife, maxMembers: maxMembers, now: timeSource.now()))
    }

    /// Leases credits to a member.
    public func lease(_ count: Int, member: String) async throws -> RateLeaseGrant {
        guard count >= 1, (1...255).contains(member.utf8.count) else {
            throw RateSourceError(
                .invalidRequest, "ask for at least 1, as a member with a name of 1 to 255 bytes", isRetriable: false)
        }
        let now = timeSource.now()
        guard let grant = shared.withLock({ $0.lease(count, member: member, now: now) }) else {
            throw RateSourceError(.tooManyMembers, "too many members share this rate; raise maxMembers")
        }
        return grant
    }

    /// Goes on with another rate and burst.
    ///
    /// - Throws: ``RateSourceError`` with ``RateSourceError/Code/invalidConfiguration``.
    public func change(rate: Double, burst: Int) throws {
        try Self.check(rate: rate, burst: burst)
        let now = timeSource.now()
        shared.withLock { $0.change(rate: rate, burst: burst, now: now) }
    }

    private static func check(rate: Double, burst: Int) throws {
        guard rate > 0, rate.isFinite, burst >= 1 else {
            throw RateSourceError(
                .invalidConfiguration, "rate must be above zero, burst at least 1", isRetriable: false)
        }
    }
}
