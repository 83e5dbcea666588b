package import SpillwayCore

extension ConsumerEngine {
    /// The position up to which everything of an assignment is finished.
    func commitPosition(of state: PartitionState) -> Position {
        if let sought = state.sought { return sought }
        return settings.isPartitionBatch ? state.queue.commitPosition : state.window.commitPosition
    }

    /// True if more is finished than is committed, be it only above the lowest unfinished record.
    func needsCommit(_ state: PartitionState) -> Bool {
        if state.mustCommit { return true }
        guard state.phase != .opening else { return false }
        return commitPosition(of: state) > state.committed || (sendsHints && state.finishedSinceCommit > 0)
    }

    var sendsHints: Bool {
        settings.maxCommitHintBytes > 0 && !settings.isPartitionBatch && !settings.asksForPositions
    }

    /// Has the place committed where a partition begins, before anything of it is finished.
    mutating func commitStart(_ slot: Int, now: MonotonicInstant) {
        // An assignment that came during shutdown begins with nothing.
        guard !states[slot].isDraining else { return }
        states[slot].committed = .start
        states[slot].mustCommit = true
        nextCommitAt = min(nextCommitAt ?? now, max(now, noCommitBefore))
    }

    mutating func noteFinished(_ count: Int, in slot: Int, now: MonotonicInstant) {
        states[slot].finishedSinceCommit += count
        if nextCommitAt == nil { nextCommitAt = now + settings.commitInterval }
        if states[slot].finishedSinceCommit >= settings.commitRecords { nextCommitAt = min(nextCommitAt ?? now, now) }
    }

    /// Commits that are due; one set is under way at a time and has to be answered with
    /// ``commitEnded(_:now:)``.
    package mutating func takeCommits(now: MonotonicInstant) -> [Commit]? {
        guard commitInFlight == nil else { return nil }
        let isDue = nextCommitAt.map { $0 <= now } ?? false
        guard isDue || !draining.isEmpty else { return nil }
        var commits: [Commit] = []
        for state in states.all where needsCommit(state) {
            guard isDue || isLastCommitDue(state, now: now) else { continue }
            let next = commitPosition(of: state)
            commits.append(
                Commit(
                    partition: state.partition, generation: state.generation, next: next, hint: hint(of: state, next)))
        }
        if isDue { nextCommitAt = nil }
        guard !commits.isEmpty else { return nil }
        for commit in commits {
            guard let slot = slot(of: commit) else { continue }
            states[slot].finishedSinceCommit = 0
            states[slot].commitsTaken += 1
            states[slot].mustCommit = false
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
            guard let slot = slot(of: commit) else { continue }
            states[slot].commitStored = states[slot].commitsTaken
            // A seek that came meanwhile has its own commit to make.
            if !states[slot].mustCommit { states[slot].committed = commit.next }
            settleSeek(slot, now: now)
        }
        if !isStored {
            noCommitBefore = now + min(settings.commitInterval, .milliseconds(100))
            nextCommitAt = noCommitBefore
        }
        settleDrains(now: now)
        // What finished in the meantime has its own interval.
        if nextCommitAt == nil, states.all.contains(where: { needsCommit($0) }) {
            nextCommitAt = now + settings.commitInterval
        }
    }

    /// What was to be committed still is.
    private mutating func noteFailure(of commit: Commit) {
        guard let slot = slot(of: commit) else { return }
        states[slot].finishedSinceCommit += 1
        if states[slot].committed == .start { states[slot].mustCommit = true }
    }

    /// The assignment that a commit was made for; `nil` if it has gone.
    private func slot(of commit: Commit) -> Int? {
        guard let epoch = epochs[commit.partition], let slot = states.slot(of: epoch),
            states[slot].generation == commit.generation
        else { return nil }
        return slot
    }

    /// The partition has gone to another member: its records are theirs.
    private mutating func fenceRefused(_ commit: Commit) {
        guard let slot = slot(of: commit) else { return }
        fence(states[slot].epoch)
    }

    /// A partition that has drained is committed at once, but after a failure not before the pause is over.
    private func isLastCommitDue(_ state: PartitionState, now: MonotonicInstant) -> Bool {
        guard case .draining(let deadline) = state.phase, noCommitBefore <= now else { return false }
        return (state.running == 0 && state.side.operations == 0) || deadline <= now
    }

    private func hint(of state: PartitionState, _ next: Position) -> [UInt8]? {
        guard sendsHints, state.sought == nil else { return nil }
        // A range takes at least four bytes.
        let ranges = state.window.finishedRanges(limit: settings.maxCommitHintBytes / 4)
        return CommitHint(ranges: ranges).encoded(commit: next, maxBytes: settings.maxCommitHintBytes)
    }
}
