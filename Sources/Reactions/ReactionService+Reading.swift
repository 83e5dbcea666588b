internal import Spillway
internal import SpillwayCore

extension ReactionService {
    /// Targets that one summary may have.
    public static let summaryLimit = 100
    /// Entries that one page may have.
    public static let pageLimit = 100

    /// See ``ReactionServing``.
    public func summary(
        of targetIDs: [String], user: String?, after: [LogPosition]
    ) async throws -> [TargetSummary] {
        try requireServing()
        if !after.isEmpty { try await wait(for: after) }
        return try await reading {
            if let answer = try readModel.summary(of: targetIDs, user: user, tier: .memory) { return answer }
            return try await blocking.run { [readModel] in
                try readModel.summary(of: targetIDs, user: user, tier: .disk)
            }
        }
    }

    /// See ``ReactionServing``.
    public func reactions(
        of user: String, reaction: Reaction, limit: Int, cursor: String?, after: [LogPosition]
    ) async throws -> ReactionPage {
        try requireServing()
        if !after.isEmpty { try await wait(for: after) }
        return try await page(reaction: reaction, limit: limit, cursor: cursor) { [readModel] place, limit in
            try readModel.reactions(of: user, reaction: reaction, after: place, limit: limit)
        }
    }

    /// See ``ReactionServing``.
    public func voters(
        of targetID: String, reaction: Reaction, limit: Int, cursor: String?
    ) async throws -> ReactionPage {
        try requireServing()
        try VoteValidator.checkTarget(targetID, field: "id")
        return try await page(reaction: reaction, limit: limit, cursor: cursor) { [store] place, limit in
            try store.voters(of: targetID, reaction: reaction, after: place, limit: limit)
        }
    }

    /// See ``ReactionServing``.
    public func changes(
        of targetIDs: [String]
    ) async throws -> any AsyncSequence<CountsChange, any Error> & Sendable {
        try requireServing()
        let number = hub.subscribe(to: targetIDs)
        let changes = CountsChanges(hub: hub, number: number)
        // Subscribed first, so that no change falls between these values and the stream.
        let values = try await reading {
            try await blocking.run { [readModel] in try readModel.values(of: targetIDs, tier: .disk) }
        }
        hub.offer(
            zip(targetIDs, values).map { id, value in
                CountsChange(
                    targetID: id, counts: value.counts,
                    version: CountsHub.version(epoch: store.epoch, sequence: value.sequence))
            }, to: number)
        return changes
    }

    private func page(
        reaction: Reaction, limit: Int, cursor: String?,
        _ read: @escaping @Sendable (ListPlace, Int) throws -> [ListEntry]
    ) async throws -> ReactionPage {
        guard reaction != .none else {
            throw ReactionsError(.invalidField, "reaction must be like or dislike", field: "reaction")
        }
        guard (1...Self.pageLimit).contains(limit) else {
            throw ReactionsError(.invalidField, "limit must be 1 to \(Self.pageLimit)", field: "limit")
        }
        let place = try cursor.map { text throws(ReactionsError) in try ListCursor.place(text) } ?? .first
        // One more than asked for says whether there is a next page.
        let entries = try await reading { try await blocking.run { try read(place, limit + 1) } }
        let shown = entries.prefix(limit)
        return ReactionPage(
            entries: shown.map {
                ReactionEntry(
                    id: $0.id, targetType: $0.targetType, reaction: reaction,
                    atMs: VersionClock.milliseconds(of: $0.place.version))
            },
            nextCursor: entries.count > limit ? shown.last.map { ListCursor.text($0.place) } : nil)
    }

    /// Reads from the store; what it throws, or can't say, becomes an error that clients can be told.
    private func reading<Value>(_ read: () async throws -> Value?) async throws -> Value {
        do {
            guard let value = try await read() else { throw Self.unreadable(nil) }
            return value
        } catch let error as ReactionsError {
            throw error
        } catch {
            throw Self.unreadable(error)
        }
    }

    private static func unreadable(_ error: (any Error)?) -> ReactionsError {
        ReactionsError(.unavailable, "the store can't answer now", retryAfterSeconds: 1, cause: error)
    }
}
