/// Leases credits of a rate that many members share; each credit lets one record go on.
///
/// A source is the global side: one for all nodes, such as a token bucket in Redis, or ``LocalRateSource`` within a
/// process. ``LeasedRate`` is a member's side. What every source keeps:
///
/// - In any span of time no more credits are leased, over all members, than the rate lets flow in it plus one burst.
/// - Members that want more than there is get equal parts; what one does not want goes to the others.
/// - A member that stops asking holds nothing back for longer than the life of a lease.
public protocol RateSource: Sendable {
    /// Asks for credits; answers at once with what there is for this member, also none.
    ///
    /// - Parameters:
    ///   - count: how many the member could use now; at least 1. Also says how much of the rate it wants: what is not
    ///     granted is its unmet demand until it asks again, or for the life of a lease.
    ///   - member: the member's name, unique among those that share the rate; 1 to 255 bytes.
    /// - Throws: ``RateSourceError``, or what a driver throws; the member goes on with its share of the last known rate.
    func lease(_ count: Int, member: String) async throws -> RateLeaseGrant
}

/// What a ``RateSource`` answers.
public struct RateLeaseGrant: Hashable, Sendable {
    /// How many records may go on; 0 up to what was asked for.
    public var count: Int
    /// For how long the credits are good, from when they were asked for; then they are void, since the source counts the
    /// member as gone.
    public var validFor: Duration
    /// When asking again is worth it; `nil` if there was as much as was asked for.
    public var retryAfter: Duration?
    /// The member's share of the rate, in records a second: its speed while the source can't be reached. The shares
    /// of all members at a time add up to the rate.
    public var share: Double

    /// Makes a grant.
    public init(count: Int, validFor: Duration, retryAfter: Duration? = nil, share: Double) {
        self.count = count
        self.validFor = validFor
        self.retryAfter = retryAfter
        self.share = share
    }
}

/// What went wrong at a ``RateSource``.
public struct RateSourceError: RetriableError, CustomStringConvertible {
    /// What users match on; more codes may come.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name, for logs and labels.
        public var description: String { name }

        /// A rate, a burst or a lease is out of its range.
        public static let invalidConfiguration = Code("invalid-configuration")
        /// The count is below 1, or the member's name is not 1 to 255 bytes.
        public static let invalidRequest = Code("invalid-request")
        /// As many members as the source keeps have asked within the life of a lease.
        public static let tooManyMembers = Code("too-many-members")
        /// The source can't be reached, or failed; see the cause.
        public static let unavailable = Code("unavailable")
    }

    /// What users match on.
    public var code: Code
    /// What happened and what to do.
    public var message: String
    /// True if the same call may succeed later.
    public var isRetriable: Bool
    /// The error below, if there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, isRetriable: Bool = true, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.isRetriable = isRetriable
        self.cause = cause
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
