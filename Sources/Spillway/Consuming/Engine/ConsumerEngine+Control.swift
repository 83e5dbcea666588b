package import SpillwayCore

/// What operators change while it runs.
extension ConsumerEngine {
    /// Hands out and fetches nothing, of all partitions that are and will be owned, until it is taken back.
    package mutating func setAllPaused(_ isPaused: Bool) {
        guard isAllPaused != isPaused else { return }
        isAllPaused = isPaused
        setPaused(isPaused, states.all.map(\.partition))
    }

    /// Delivers nothing more of these partitions until they are resumed.
    package mutating func setPaused(_ isPaused: Bool, _ partitions: [TopicPartition]) {
        for partition in partitions {
            guard let epoch = epochs[partition], let slot = states.slot(of: epoch),
                states[slot].isPausedByUser != isPaused
            else { continue }
            // One that drains stays as it is until it has gone, and whatever holds it at the broker is taken back then.
            guard !states[slot].isDraining else { continue }
            states[slot].isPausedByUser = isPaused
            // One that is held back is paused until it begins.
            guard !states[slot].isPaused, !states[slot].isHeldBack else { continue }
            actions.setPaused(isPaused, partition)
        }
    }

    /// True if the partition would go on at another position: it is owned, and not being given back.
    package func canSeek(_ partition: TopicPartition) -> Bool {
        epochs[partition].flatMap { states.slot(of: $0) }.map { !states[$0].isDraining } ?? false
    }

    /// Goes on at another position, before or behind the present one: what waits is forgotten, what runs may end within
    /// the budget of a revocation, then the position is committed, and once the broker has stored it delivery begins
    /// there. So nothing is handled again of a seek that is lost with its owner.
    ///
    /// - Returns: false if nothing of it is done, see ``canSeek(_:)``.
    @discardableResult
    package mutating func seek(_ partition: TopicPartition, to position: Position, now: MonotonicInstant) -> Bool {
        guard let epoch = epochs[partition], let slot = states.slot(of: epoch) else { return false }
        var deadline = now + settings.revocationDrainTimeout
        switch states[slot].phase {
        case .active, .opening: break
        case .seeking(_, let earlier): deadline = min(earlier, deadline)
        case .placing:
            place(slot, at: position)
            return true
        case .draining: return false
        }
        states[slot].phase = .seeking(to: position, deadline: deadline)
        seeking.insert(epoch)
        dropWaiting(slot)
        giveUpMoves(slot)
        settleSeek(slot, now: now)
        return true
    }

    /// Lets go of what still runs where a seek has waited for as long as it may.
    mutating func settleSeeks(now: MonotonicInstant) {
        for epoch in seeking.sorted() {
            if let slot = states.slot(of: epoch) { settleSeek(slot, now: now) }
        }
    }

    /// Has the new place committed once nothing of the old one runs any more, and begins there once it is stored. After
    /// the deadline what runs is left to itself, and its end counts no more; what is with the failure store is waited for.
    mutating func settleSeek(_ slot: Int, now: MonotonicInstant) {
        guard states[slot].side.operations == 0 else { return }
        switch states[slot].phase {
        case .seeking(let position, let deadline):
            guard states[slot].running == 0 || deadline <= now else { return }
            place(slot, at: position)
        case .placing(let position, let commit):
            if states[slot].commitStored >= commit { begin(slot, at: position) }
        case .opening, .active, .draining: break
        }
    }

    /// Has a new place committed. A commit that is under way may be of another place.
    private mutating func place(_ slot: Int, at position: Position) {
        seeking.remove(states[slot].epoch)
        states[slot].sought = position
        states[slot].phase = .placing(at: position, by: states[slot].commitsTaken + 1)
        if !states[slot].isPaused, !states[slot].isPausedByUser { actions.setPaused(true, states[slot].partition) }
        nextCommitAt = min(nextCommitAt ?? noCommitBefore, noCommitBefore)
    }

    /// Begins at the new place, as if the partition had been assigned again.
    private mutating func begin(_ slot: Int, at position: Position) {
        let old = states[slot]
        fenceForSeek(old)
        var state = PartitionState(
            Assignment(partition: old.partition, generation: old.generation, start: position), epoch: nextEpoch(),
            phase: settings.usesFailureStore ? .opening : .active, finishedBefore: [])
        state.isPausedByUser = old.isPausedByUser
        epochs[state.partition] = state.epoch
        askForSeek(states.insert(state))
        if state.phase == .opening {
            actions.setPaused(true, state.partition)
            actions.open.append(
                EngineActions.Opening(
                    partition: state.partition, epoch: state.epoch, generation: state.generation))
        } else if !state.isPausedByUser {
            actions.setPaused(false, state.partition)
        }
    }

    /// Has the broker deliver from where the partition begins; what was asked of it before that is not taken in.
    mutating func askForSeek(_ slot: Int) {
        seeksAsked += 1
        states[slot].seek = seeksAsked
        actions.seek.append((states[slot].partition, states[slot].start))
        actions.seeksAsked = seeksAsked
    }

    private mutating func fenceForSeek(_ state: PartitionState) {
        seeking.remove(state.epoch)
        dropMoves(of: state.epoch)
        if hotKeys?.drop(epoch: state.epoch) == true { settleHotKeys() }
        states.remove(state.epoch)
    }

    /// Takes settings over that need no new beginning: workers, batch limits, rates, thresholds, intervals.
    ///
    /// The limit on what is in flight, the order and the processor's shape stay as they are.
    package mutating func change(_ new: EngineSettings, now: MonotonicInstant) {
        settings.limits = new.limits
        settings.concurrency = new.concurrency
        settings.commitInterval = new.commitInterval
        nextCommitAt = nextCommitAt.map { max(noCommitBefore, min($0, now + new.commitInterval)) }
        settings.commitRecords = new.commitRecords
        settings.maxUncommittedRecords = new.maxUncommittedRecords
        settings.moveBudget = new.moveBudget
        budget.change(new.moveBudget)
        settings.rate = new.rate
        gate.change(new.rate, now: now)
        if settings.adaptiveConcurrency != new.adaptiveConcurrency {
            adaptive = new.adaptiveConcurrency.map { GradientLimit($0, most: new.concurrency) }
        } else {
            adaptive?.change(most: new.concurrency)
        }
        settings.adaptiveConcurrency = new.adaptiveConcurrency
        if settings.hotKeys != new.hotKeys { change(new.hotKeys) }
        // A larger window has room for partitions that the smaller one stopped.
        resumeWhereRoom()
    }

    /// True if there is work that waits only for a rate.
    package func isHeldByRate(now: MonotonicInstant) -> Bool { hasReadyWork && gate.allowance(1, now: now) == 0 }

    /// True if something could be handed out, were there a worker and did the rate allow it.
    var hasReadyWork: Bool { lanes.readyCount(.shared) + lanes.readyCount(.hot) > 0 || !readyPartitions.isEmpty }

    /// How much to lease of the shared rate, to be answered with ``leaseEnded(_:now:)``; `nil` if nothing is wanted.
    package mutating func takeLease(now: MonotonicInstant) -> Int? { gate.leased?.wanted(now: now) }

    /// Takes what the source has granted; `nil` if it could not be asked.
    package mutating func leaseEnded(_ grant: RateLeaseGrant?, now: MonotonicInstant) {
        if let grant { gate.leased?.granted(grant, now: now) } else { gate.leased?.failed(now: now) }
    }

    private mutating func change(_ policy: HotKeyPolicy?) {
        settings.hotKeys = policy
        if let policy, hotKeys != nil {
            hotKeys?.change(policy)
        } else {
            hotKeys = policy.map { HotKeys($0) }
        }
        settleHotKeys()
    }
}
