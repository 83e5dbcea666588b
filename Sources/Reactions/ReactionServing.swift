/// What a reactions service offers to those who speak HTTP or anything else: votes become durable events, projections make rows and counts from them, reads merge the
/// caller's own votes that are not applied yet.
public protocol ReactionServing: Sendable {
    /// Records one vote; returns once it is durable (G1).
    ///
    /// - Parameters:
    ///   - idempotencyKey: 1 to 128 visible ASCII characters. The same user and key within 24 hours changes nothing more.
    ///   - fingerprint: a hash of the request's body, compared when the key comes again.
    ///   - awaitOutcome: wait up to a second for the projection, and fill the receipt's outcome.
    /// - Throws: `ReactionsError`; with any code but `outcomeUnknown`, nothing was recorded.
    func vote(
        _ vote: Vote, user: String, idempotencyKey: String?, fingerprint: UInt64, awaitOutcome: Bool
    ) async throws -> VoteReceipt

    /// Records 1 to 1,000 votes of one user: all or none.
    func vote(
        _ votes: [Vote], user: String, idempotencyKey: String?, fingerprint: UInt64
    ) async throws -> [LogPosition]

    /// Counts of 1 to 100 targets with the caller's own states, in the order of the ids.
    ///
    /// - Parameter after: positions that must be applied first; waits within a bound, else `notYetApplied`.
    func summary(of targetIDs: [String], user: String?, after: [LogPosition]) async throws -> [TargetSummary]

    /// What a user reacted to, newest first; the user's own acknowledged votes are always in it.
    func reactions(
        of user: String, reaction: Reaction, limit: Int, cursor: String?, after: [LogPosition]
    ) async throws -> ReactionPage

    /// Who reacted to a target, newest first.
    func voters(of targetID: String, reaction: Reaction, limit: Int, cursor: String?) async throws -> ReactionPage

    /// The present counts of the targets at once, then every change, each target's at most ten a second (the newest wins).
    func changes(of targetIDs: [String]) async throws -> any AsyncSequence<CountsChange, any Error> & Sendable

    /// Whether log and store are open and the overlay is rebuilt; else why not.
    func readiness() -> String?
}
