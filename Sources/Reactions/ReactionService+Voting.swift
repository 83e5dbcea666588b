internal import Spillway
internal import SpillwayCore
internal import Synchronization

extension ReactionService: ReactionServing {
    /// Votes that one batch may have.
    public static let batchLimit = 1_000

    /// See ``ReactionServing``.
    public func vote(
        _ vote: Vote, user: String, idempotencyKey: String?, fingerprint: UInt64, awaitOutcome: Bool
    ) async throws -> VoteReceipt {
        try validator.check(vote)
        try admit(1)
        let version = clock.next()
        if awaitOutcome { outcomes.note(version) }
        defer { if awaitOutcome { outcomes.forget(version) } }
        var message = message(vote, user: user, version: version, keepsPrevious: idempotencyKey != nil)
        message.deduplication = deduplication(user, idempotencyKey, fingerprint)
        let sent: SendReceipt
        do {
            sent = try await send(message)
        } catch {
            throw Self.refusal(error)
        }
        var receipt = VoteReceipt(position: try Self.position(sent), isRepeat: sent.isDuplicate)
        // A repeat's too: the request that sent the vote may not be back from the log yet, or heard nothing from it.
        overlay.add(pending(vote, version, receipt.position), user: user, isRepeat: sent.isDuplicate)
        if sent.isDuplicate {
            metrics.repeated()
        } else {
            metrics.voted(vote.reaction)
        }
        if awaitOutcome { receipt.outcome = await outcomeIfReadable(of: receipt, vote, user: user, version: version) }
        return receipt
    }

    /// See ``ReactionServing``.
    public func vote(
        _ votes: [Vote], user: String, idempotencyKey: String?, fingerprint: UInt64
    ) async throws -> [LogPosition] {
        guard (1...Self.batchLimit).contains(votes.count) else {
            throw ReactionsError(.invalidField, "votes must hold 1 to \(Self.batchLimit) votes", field: "votes")
        }
        for (index, vote) in votes.enumerated() { try validator.check(vote, prefix: "votes[\(index)].") }
        try admit(votes.count)
        let versions = votes.map { _ in clock.next() }
        var messages = zip(votes, versions).map {
            message($0, user: user, version: $1, keepsPrevious: false)
        }
        messages[0].deduplication = deduplication(user, idempotencyKey, fingerprint)
        let receipts: [SendReceipt]
        do {
            receipts = try await send(messages)
        } catch {
            throw Self.refusal(error)
        }
        let positions = try receipts.map { try Self.position($0) }
        let isRepeat = receipts.first?.isDuplicate == true
        let pendingVotes = votes.indices.map { pending(votes[$0], versions[$0], positions[$0]) }
        overlay.add(pendingVotes, user: user, isRepeat: isRepeat)
        if isRepeat {
            metrics.repeated()
        } else {
            for vote in votes { metrics.voted(vote.reaction) }
        }
        return positions
    }

    // MARK: Inside

    private func admit(_ votes: Int) throws(ReactionsError) {
        try requireServing()
        guard overlay.hasRoom(for: votes) else {
            throw ReactionsError(
                .overloaded, "too many votes wait for the projections; try again later", retryAfterSeconds: 1)
        }
    }

    private func message(_ vote: Vote, user: String, version: UInt64, keepsPrevious: Bool) -> Message {
        let event = ReactionEvent(
            targetID: vote.targetID, targetType: vote.targetType, userID: user, reaction: vote.reaction,
            version: version, keepsPrevious: keepsPrevious)
        return Message(key: Array(vote.targetID.utf8), value: event.encoded(), timestampMs: time.wallMilliseconds())
    }

    private func pending(_ vote: Vote, _ version: UInt64, _ position: LogPosition) -> PendingVote {
        PendingVote(
            targetID: vote.targetID, targetType: vote.targetType, reaction: vote.reaction, version: version,
            position: position)
    }

    private func deduplication(_ user: String, _ key: String?, _ fingerprint: UInt64) -> Deduplication? {
        key.map {
            Deduplication(
                scope: Array(user.utf8), token: Array($0.utf8), fingerprint: fingerprint,
                quota: configuration.idempotencyQuota)
        }
    }

    private static func position(_ receipt: SendReceipt) throws(ReactionsError) -> LogPosition {
        guard let position = receipt.position else {
            throw ReactionsError(.unavailable, "the log gave no position", retryAfterSeconds: 1)
        }
        return LogPosition(partition: receipt.partition.partition, position: position)
    }

    /// The outcome, or `nil` also if the store can't be read: the vote is durable, and an error would say that it is not.
    private func outcomeIfReadable(
        of receipt: VoteReceipt, _ vote: Vote, user: String, version: UInt64
    ) async -> VoteOutcome? {
        do {
            return try await outcome(of: receipt, vote, user: user, version: version)
        } catch is CancellationError {
            return nil
        } catch {
            guard let suppressed = outcomeFailures.withLock({ $0.admit(time.now()) }) else { return nil }
            logger.warning(
                "a vote is recorded, but its outcome could not be read",
                metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
            return nil
        }
    }

    /// The state before the vote and the counts with it; `nil` if the projection did not come to it in time.
    private func outcome(
        of receipt: VoteReceipt, _ vote: Vote, user: String, version: UInt64
    ) async throws -> VoteOutcome? {
        let deadline = time.now() + configuration.outcomeWait
        consumer?.fetchNow()
        let previous: Reaction?
        if receipt.isRepeat {
            guard await overlay.wait(for: [receipt.position], until: deadline) else { return nil }
            let position = receipt.position
            previous = try await blocking.run { [store] in
                try store.previousState(partition: position.partition, position: position.position)
            }
        } else {
            previous = await outcomes.previous(of: version, until: deadline)
        }
        guard let previous else { return nil }
        let summary = try await summary(of: [vote.targetID], user: user, after: [])
        return VoteOutcome(
            targetID: vote.targetID, counts: summary[0].counts, state: summary[0].state, previous: previous)
    }

    /// What a client hears when the log does not take a vote.
    private static func refusal(_ error: any Error) -> ReactionsError {
        guard let error = error as? BrokerError else {
            return ReactionsError(
                .outcomeUnknown, "the vote may or may not be recorded; send it again",
                retryAfterSeconds: 1, cause: error)
        }
        return switch error.code {
        case .deduplicationMismatch:
            ReactionsError(
                .idempotencyMismatch, "this Idempotency-Key was used with another body", field: "Idempotency-Key",
                cause: error)
        case .deduplicationQuota:
            ReactionsError(
                .idempotencyQuota, "too many live idempotency keys; they are kept for 24 hours",
                retryAfterSeconds: 3_600, cause: error)
        case .queueFull:
            ReactionsError(.overloaded, "the log's queue is full; try again", retryAfterSeconds: 1, cause: error)
        case .storageFull:
            ReactionsError(
                .storageFull, "the disk is nearly full; votes wait for room", retryAfterSeconds: 10, cause: error)
        case .outcomeUnknown:
            ReactionsError(
                .outcomeUnknown, "the vote may or may not be recorded; send the same request again",
                retryAfterSeconds: 1, cause: error)
        default:
            ReactionsError(.unavailable, "the log does not take votes now", retryAfterSeconds: 1, cause: error)
        }
    }
}
