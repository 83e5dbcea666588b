/// The rules and limits of the reactions service, and its caches.
struct ReactionsConfiguration: Sendable, Equatable {
    /// Who may list a target's voters.
    enum VotersAccess: String, Sendable {
        case anyone
        case token
        case admin
    }

    /// Types that may be voted on.
    var targetTypes: [String]
    /// Who may list a target's voters.
    var votersAccess: VotersAccess
    /// Votes a second of one user; 0 is no limit.
    var voteRatePerUser: Int
    /// Votes of one user at once.
    var voteBurstPerUser: Int
    /// Votes a second from one address; 0 is no limit.
    var voteRatePerAddress: Int
    /// Votes from one address at once.
    var voteBurstPerAddress: Int
    /// Votes that may wait for the projections.
    var pendingVotesRecords: Int
    /// Their bytes in memory.
    var pendingVotesBytes: Int
    /// How long a read waits for a position.
    var positionWait: Duration
    /// How long a vote waits for its outcome.
    var outcomeWait: Duration
    /// Live idempotency keys of one user.
    var idempotencyQuota: Int
    /// Accept votes, apply none.
    var projectionsPaused: Bool
    /// The cache of counts, in bytes.
    var countsCacheBytes: Int
    /// The cache of callers' states, in bytes.
    var callersCacheBytes: Int
    /// The longest life of a cached value.
    var cacheTimeToLive: Duration
    /// How long a start may fill caches before it is ready.
    var warmUp: Duration

    /// - Throws: `CommandError` for a type that can't be a type.
    init(_ values: OptionValues) throws {
        targetTypes = try Self.targetTypes(values)
        votersAccess = VotersAccess(rawValue: values[OptionTable.votersAccess]) ?? .token
        voteRatePerUser = values[OptionTable.voteRatePerUser]
        voteBurstPerUser = values[OptionTable.voteBurstPerUser]
        voteRatePerAddress = values[OptionTable.voteRatePerAddress]
        voteBurstPerAddress = values[OptionTable.voteBurstPerAddress]
        pendingVotesRecords = values[OptionTable.pendingVotesRecords]
        pendingVotesBytes = values[OptionTable.pendingVotesBytes]
        positionWait = values[OptionTable.positionWait]
        outcomeWait = values[OptionTable.outcomeWait]
        idempotencyQuota = values[OptionTable.idempotencyQuota]
        projectionsPaused = values[OptionTable.projectionsPaused]
        countsCacheBytes = values[OptionTable.l1CountsBytes]
        callersCacheBytes = values[OptionTable.l1CallersBytes]
        cacheTimeToLive = values[OptionTable.l1TimeToLive]
        warmUp = values[OptionTable.warmUp]
    }

    /// The types of the option, checked.
    static func targetTypes(_ values: OptionValues) throws -> [String] {
        let types = values[OptionTable.targetTypes]
        guard !types.isEmpty, types.count <= 200, Set(types).count == types.count else {
            throw CommandError(.configuration, "target-types: must be 1 to 200 different words")
        }
        for type in types {
            let isWord = type.utf8.allSatisfy {
                ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F || $0 == 0x2D
            }
            guard isWord, type.utf8.count <= 32 else {
                throw CommandError(
                    .configuration, "target-types: \"\(type)\" must be 1 to 32 characters of a-z 0-9 _ -")
            }
        }
        return types
    }
}
