package import SpillwayCore

extension ConsumerEngine {
    /// The position up to which everything of an assignment is finished.
    func commitPosition(of state: PartitionState) -> Position {
        settings.isPartitionBatch ? state.queue.commitPosition : state.window.commitPosition
    }

    /// True if more is finished than is committed, be it only above the lowest unfinished record.
    func needsCommit(_ state: PartitionState) -> Bool {
        guard state.phase != .opening else { return false }
        return commitPosition(of: state) > state.committed || (sendsHints && state.finishedSinceCommit > 0)
    }

    private var sendsHints: Bool {
        settings.maxCommitHintBytes > 0 && !settings.isPartitionBatch && !settings.asksForPositions
    }

    mutating func noteFinished(_ count: Int, in state: inout PartitionState, now: MonotonicInstant) {
        state.finishedSinceCommit += count
        if nextCommitAt == nil { nextCommitAt = now + settings.commitInterval }
        if state.finishedSinceCommit >= settings.commitRecords { nextCommitAt = min(nextCommitAt ?? now, now) }
    }

    /// Commits that are due; one set is under way at a time and has to be answered with
    /// ``commitEnded(_:now:)``.
    package mutating func takeCommits(now: MonotonicInstant) -> [Commit]? {
        guard commitInFlight == nil else { return nil }
        let isDue = nextCommitAt.map { $0 <= now } ?? false
        guard isDue || !draining.isEmpty else { return nil }
        var commits: [Commit] = []
        for epoch in states.keys.sorted() {
            guard let state = states[epoch], needsCommit(state) else { continue }
            guard isDue || isLastCommitDue(state, now: now) else { continue }
            let next = commitPosition(of: state)
            commits.append(
                Commit(
                    partition: state.partition, generation: state.generation, next: next, hint: hint(of: state, next)))
        }
        if isDue { nextCommitAt = nil }
        guard !commits.isEmpty else { return nil }
        for commit in commits {
            if let epoch = epochs[commit.partition] { states[epoch]?.finishedSinceCommit = 0 }
        }
        commitInFlight = commits
        return commits
    }

    /// Takes the answer to the commits that were taken.
    package mutating func commitEnded(_ result: CommitResult, now: MonotonicInstant) {
        guard let commits = commitInFlight else { preconditionFailure("no commit was under way") }
        commitInFlight = nil
        var refused: Set<TopicPartition> = []
        var isStored = true
        switch result {
        case .stored: break
        case .refused(let partitions): refused = partitions
        case .failed: isStored = false
        }
        for commit in commits {
            guard isStored, !refused.contains(commit.partition) else {
                counters.failedCommits += 1
                if refused.contains(commit.partition) { fenceRefused(commit) } else { noteFailure(of: commit) }
                continue
            }
            counters.commits += 1
            guard let epoch = epochs[commit.partition], states[epoch]?.generation == commit.generation else { continue }
            states[epoch]?.committed = commit.next
        }
        if !isStored {
            noCommitBefore = now + min(settings.commitInterval, .milliseconds(100))
            nextCommitAt = noCommitBefore
        }
        settleDrains(now: now)
        // What finished in the meantime has its own interval.
        if nextCommitAt == nil, states.values.contains(where: { needsCommit($0) }) {
            nextCommitAt = now + settings.commitInterval
        }
    }

    /// What was to be committed still is.
    private mutating func noteFailure(of commit: Commit) {
        guard let epoch = epochs[commit.partition], states[epoch]?.generation == commit.generation else { return }
        states[epoch]?.finishedSinceCommit += 1
    }

    /// The partition has gone to another member: its records are theirs.
    private mutating func fenceRefused(_ commit: Commit) {
        guard let epoch = epochs[commit.partition], states[epoch]?.generation == commit.generation else { return }
        fence(epoch)
    }

    /// A partition that has drained is committed at once, but after a failure not before the pause is over.
    private func isLastCommitDue(_ state: PartitionState, now: MonotonicInstant) -> Bool {
        guard case .draining(let deadline) = state.phase, noCommitBefore <= now else { return false }
        return state.running == 0 || deadline <= now
    }

    private func hint(of state: PartitionState, _ next: Position) -> [UInt8]? {
        guard settings.maxCommitHintBytes > 0, !settings.isPartitionBatch, !settings.asksForPositions else {
            return nil
        }
        // A range takes at least four bytes.
        let ranges = state.window.finishedRanges(limit: settings.maxCommitHintBytes / 4)
        return CommitHint(ranges: ranges).encoded(commit: next, maxBytes: settings.maxCommitHintBytes)
    }

    /// When the engine wants to be asked again although nothing has happened; later than now.
    package func nextDeadline(now: MonotonicInstant) -> MonotonicInstant? {
        var deadline: MonotonicInstant?
        func include(_ instant: MonotonicInstant?) {
            guard let instant, instant > now else { return }
            deadline = deadline.map { min($0, instant) } ?? instant
        }
        if settings.isPartitionBatch {
            include(nextPartitionRetry)
        } else {
            include(lanes.nextRetry)
            include(lanes.nextClose(settings.limits))
        }
        if commitInFlight == nil { include(nextCommitAt) }
        for epoch in draining {
            guard case .draining(let end) = states[epoch]?.phase else { continue }
            include(end)
            include(end + settings.commitGrace)
        }
        return deadline
    }

    // MARK: Figures

    /// How every owned partition stands.
    package var progress: [PartitionProgress] {
        states.values.sorted { $0.epoch < $1.epoch }.map {
            PartitionProgress(
                partition: $0.partition, next: commitPosition(of: $0),
                oldestTimestampMs: settings.isPartitionBatch
                    ? $0.queue.oldestTimestampMs : $0.window.oldestTimestampMs,
                held: $0.held.records)
        }
    }

    /// Keys (or partitions, or records without order) that have records here.
    package var laneCount: Int { settings.isPartitionBatch ? states.count : lanes.laneCount }
    /// Lanes that wait for their next attempt.
    package var parkedLaneCount: Int {
        settings.isPartitionBatch ? states.values.count { $0.queue.parkedUntil != nil } : lanes.parkedCount
    }
    /// Records with permits.
    package var inFlightRecords: Int { permits.inFlight.records }
    /// Bytes with permits.
    package var inFlightBytes: Int { permits.inFlight.bytes }
    /// Records that the broker may still deliver.
    package var demandedRecords: Int { permits.demanded.records }
    /// True while intake waits for records to finish.
    package var isIntakePaused: Bool { permits.isPaused }
}
