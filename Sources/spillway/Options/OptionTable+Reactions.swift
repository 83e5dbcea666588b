extension OptionTable {
    static let targetTypes = Option<[String]>(
        "target-types", key: "reactions.target-types", .list(placeholder: "TYPE,…"), default: "video,comment",
        for: [.serve, .import], "The types of targets that may be voted on.")
    static let votersAccess = Option<String>(
        "voters-access", key: "reactions.voters-access", .choice(["anyone", "token", "admin"]), default: "token",
        for: .serving, "Who may list a target's voters: anyone, anyone with a token, admins.")
    static let voteRatePerUser = Option<Int>(
        "vote-rate-per-user", key: "reactions.vote-rate-per-user", .integer(0...10_000_000, unit: "votes/s"),
        default: "1000", for: .serving, "Votes a second of one user, each vote of a batch; 0 is no limit.")
    static let voteBurstPerUser = Option<Int>(
        "vote-burst-per-user", key: "reactions.vote-burst-per-user", .integer(1...10_000_000, unit: "votes"),
        default: "10000", for: .serving, "Votes of one user at once before the rate holds.")
    static let voteRatePerAddress = Option<Int>(
        "vote-rate-per-address", key: "reactions.vote-rate-per-address", .integer(0...10_000_000, unit: "votes/s"),
        default: "5000", for: .serving, "Votes a second from one address; 0 is no limit. Loopback has none.")
    static let voteBurstPerAddress = Option<Int>(
        "vote-burst-per-address", key: "reactions.vote-burst-per-address", .integer(1...10_000_000, unit: "votes"),
        default: "50000", for: .serving, "Votes from one address at once before the rate holds.")
    static let pendingVotesRecords = Option<Int>(
        "pending-votes-records", key: "reactions.pending-votes-records", .integer(1_000...100_000_000, unit: "votes"),
        default: "2000000", for: .serving, "Votes that wait for the projections; beyond it votes get 429.")
    static let pendingVotesBytes = Option<Int>(
        "pending-votes-bytes", key: "reactions.pending-votes-bytes", .bytes((1 << 20)...(1 << 40)), default: "512MiB",
        for: .serving, "Memory of the votes that wait for the projections; beyond it votes get 429.")
    static let positionWait = Option<Duration>(
        "position-wait", key: "reactions.position-wait", .duration(.zero...(.seconds(60))), default: "2s",
        for: .serving, "How long a read waits for the Spillway-Position that it presents; then 503.")
    static let outcomeWait = Option<Duration>(
        "outcome-wait", key: "reactions.outcome-wait", .duration(.zero...(.seconds(60))), default: "1s",
        for: .serving, "How long a vote with Prefer: return=representation waits for the projection.")
    static let idempotencyQuota = Option<Int>(
        "idempotency-quota", key: "reactions.idempotency-quota", .integer(1...10_000_000, unit: "keys"),
        default: "100000", for: .serving, "Idempotency keys of one user that live at once (24 h each); more is 429.")
    static let projectionsPaused = Option<Bool>(
        "projections-paused", key: "reactions.projections-paused", .flag, default: "false", for: .serving,
        "Accept votes but apply none: for maintenance and for measuring starts.")

    static let reactions: [OptionDefinition] = [
        targetTypes.definition, votersAccess.definition, voteRatePerUser.definition, voteBurstPerUser.definition,
        voteRatePerAddress.definition, voteBurstPerAddress.definition, pendingVotesRecords.definition,
        pendingVotesBytes.definition, positionWait.definition, outcomeWait.definition, idempotencyQuota.definition,
        projectionsPaused.definition,
    ]
}
