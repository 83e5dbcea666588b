extension OptionTable {
    static let user = Option<String>(
        "user", .text(placeholder: "ID"), for: [.token], "The user: the token's sub, 1 to 255 bytes.")
    static let scope = Option<String>(
        "scope", .choice(["admin"]), meaning: "no scope", for: [.token], "What else the token allows.")
    static let timeToLive = Option<Duration>(
        "ttl", .duration(.seconds(1)...(.seconds(3_650 * 86_400))), default: "24h", for: [.token, .bench],
        "How long the token is valid.")
    static let count = Option<Int>(
        "count", .integer(1...100_000_000, unit: "tokens"), for: [.token],
        "Print this many tokens, for the users PREFIX0 to PREFIX(N-1), instead of one.")
    static let prefix = Option<String>(
        "prefix", .text(placeholder: "TEXT"), default: "u", for: [.token], "What the users' names begin with (--count)."
    )
    static let repair = Option<Bool>(
        "repair", .flag, default: "false", for: [.audit], "Rewrite counts from rows; starts a new epoch.")
    static let strict = Option<Bool>(
        "strict", .flag, default: "false", for: [.import], "End at the first bad line, with exit code 1.")
    static let acceptLoss = Option<Bool>(
        "accept-loss", .flag, default: "false", for: [.recover], "Start again without what is lost.")
    static let url = Option<String>(
        "url", hasVariable: true, .text(placeholder: "URL"), default: "http://127.0.0.1:8080",
        for: .administering.union([.bench]), "The server.")
    static let bearer = Option<String>(
        "token", hasVariable: true, .text(placeholder: "TOKEN"), for: .administering,
        "A token with scope admin. The variable keeps it out of the list of processes.")
    static let certificateAuthority = Option<String>(
        "ca-certificate", .text(placeholder: "FILE"), meaning: "the system's", for: .administering,
        "Certificates to trust for https, in PEM.")
    static let json = Option<Bool>(
        "json", .flag, default: "false",
        for: [
            .groupsList, .groupsSeek, .deadLettersList, .deadLettersShow, .deadLettersRequeue, .inspect, .settingsShow,
            .settingsSet, .settingsHistory,
        ],
        "Print the answer's JSON, one answer a line, instead of text for people.")
    static let group = Option<String>(
        "group", .text(placeholder: "GROUP"), meaning: "all groups; to requeue: the letters that are named",
        for: [.deadLettersList, .deadLettersRequeue], "Dead letters of this consumer group only.")
    static let limit = Option<Int>(
        "limit", .integer(1...1_000_000, unit: "letters"), default: "50", for: [.deadLettersList],
        "At most so many dead letters.")
    static let seekTarget = Option<String>(
        "to", .text(placeholder: "earliest|latest|TIME|PARTITION=POSITION,…"), for: [.groupsSeek, .settingsSeek],
        "Where to begin: a word, an instant such as 2026-01-31T12:00:00Z, or positions such as 0=1-42,3=1-40.")

    static let scenario = Option<String>(
        "scenario", .choice(["votes", "summary", "mixed"]), default: "mixed", for: [.bench],
        "What is asked: votes, summaries, or 8 votes to 5 summaries.")
    static let rate = Option<Int>(
        "rate", .integer(1...1_000_000, unit: "requests/s"), default: "1000", for: [.bench],
        "Requests that fall due each second, all kinds together.")
    static let runTime = Option<Duration>(
        "duration", .duration(.seconds(1)...(.seconds(7 * 86_400))), default: "30s", for: [.bench],
        "How long requests fall due.")
    static let connections = Option<Int>(
        "connections", .integer(1...20_000, unit: "connections"), default: "64", for: [.bench],
        "Connections to the server.")
    static let targets = Option<String>(
        "targets", .text(placeholder: "FILE"), meaning: "100,000 targets, all alike", for: [.bench],
        "Lines of ID,WEIGHT: targets are drawn by weight; lines without a number are left out.")
    static let targetsPerSummary = Option<Int>(
        "targets-per-summary", .integer(1...100, unit: "targets"), default: "20", for: [.bench],
        "Targets in one summary.")
    static let tokensFile = Option<String>(
        "tokens", .text(placeholder: "FILE"),
        meaning: "made with the data directory's key; summaries without one go without", for: [.bench],
        "One token a line.")
    static let users = Option<Int>(
        "users", .integer(1...10_000_000, unit: "users"), default: "10000", for: [.bench],
        "Users to make tokens for when no file of tokens is given.")

    static let commands: [OptionDefinition] = [
        user.definition, scope.definition, timeToLive.definition, count.definition, prefix.definition,
        repair.definition, strict.definition, acceptLoss.definition, url.definition, bearer.definition,
        certificateAuthority.definition, json.definition, group.definition, limit.definition,
        seekTarget.definition, scenario.definition, rate.definition, runTime.definition,
        connections.definition, targets.definition, targetsPerSummary.definition, tokensFile.definition,
        users.definition,
    ]
}
