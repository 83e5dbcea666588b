import Reactions

/// A reaction as a line of an import says it.
struct ImportedReaction: Sendable, Equatable {
    /// 1 to 255 bytes without control characters.
    var userID: String
    /// 1 to 128 characters of `A-Z a-z 0-9 _ - . : ~`.
    var targetID: String
    /// One of the configured types.
    var targetType: String
    /// What the user's reaction became.
    var reaction: Reaction
    /// When, in milliseconds since 1970 UTC.
    var atMs: Int64
}

/// Takes imported reactions into a data directory. A row that is there and newer stays.
protocol ImportSink: Sendable {
    /// Applies rows in their order; returns how many changed something. Not durable before ``finish()``.
    func add(_ rows: [ImportedReaction]) async throws -> Int

    /// Makes everything durable and closes the data directory.
    func finish() async throws
}
