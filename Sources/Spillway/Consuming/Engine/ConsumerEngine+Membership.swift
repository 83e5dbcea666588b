package import SpillwayCore

extension ConsumerEngine {
    /// Takes new partitions. Those whose handler owns its positions, and those that may have records in a side queue, stay
    /// paused until they are opened.
    package mutating func assign(_ assignments: [Assignment], now: MonotonicInstant) {
        for assignment in assignments {
            if let old = epochs[assignment.partition] { forget(old) }
            var finishedBefore: [ClosedRange<Position>] = []
            if let hint = assignment.hint, !settings.asksForPositions {
                if let known = CommitHint(decoding: hint, commit: assignment.start) {
                    finishedBefore = known.ranges
                } else {
                    counters.foreignHints += 1
                }
            }
            let epoch = nextEpoch()
            let mustOpen = settings.asksForPositions || settings.usesFailureStore
            var phase = mustOpen ? PartitionState.Phase.opening : .active
            if isShuttingDown {
                phase = .draining(deadline: now)
                draining.insert(epoch)
            }
            if phase == .opening {
                actions.setPaused(true, assignment.partition)
                actions.open.append(
                    EngineActions.Opening(
                        partition: assignment.partition, epoch: epoch, generation: assignment.generation))
            }
            epochs[assignment.partition] = epoch
            var state = PartitionState(assignment, epoch: epoch, phase: phase, finishedBefore: finishedBefore)
            state.isPausedByUser = isAllPaused
            if isAllPaused, phase == .active { actions.setPaused(true, assignment.partition) }
            let slot = states.insert(state)
            // With a hint there is a commit.
            if settings.commitsStart, !settings.asksForPositions, assignment.hint == nil { commitStart(slot, now: now) }
        }
        settleDrains(now: now)
    }

    /// Begins a partition where its handler says; without a position where the broker says.
    ///
    /// - Parameters:
    ///   - held: the keys of the partition that wait in its side queue, and when each may go on.
    package mutating func opened(
        _ partition: TopicPartition, epoch: UInt64, at position: Position?,
        held: [(key: HeldKeySummary, dueAt: MonotonicInstant)] = [], now: MonotonicInstant
    ) {
        guard let slot = states.slot(of: epoch), states[slot].phase == .opening else { return }
        states[slot].begin(at: position ?? states[slot].start)
        if settings.commitsStart, settings.asksForPositions, position == nil { commitStart(slot, now: now) }
        states[slot].phase = .active
        for (summary, dueAt) in held { addHeldKey(summary, dueAt: dueAt, slot: slot) }
        states[slot].side.nextLook = now
        // What was fetched while it was being opened was dropped.
        askForSeek(slot)
        if !states[slot].isPausedByUser { actions.setPaused(false, partition) }
    }

    /// True while a partition waits to be opened.
    package func isOpening(epoch: UInt64) -> Bool { states[epoch: epoch]?.phase == .opening }

    /// Starts to give partitions back: nothing new is started, what runs may end within the budget, then it is
    /// committed, and only then may others have them.
    package mutating func revoke(_ partitions: [TopicPartition], now: MonotonicInstant) {
        for partition in partitions {
            guard let epoch = epochs[partition], let slot = states.slot(of: epoch) else {
                actions.completeRevocation.append(partition)
                continue
            }
            states[slot].isRevoked = true
            beginDrain(slot, deadline: now + settings.revocationDrainTimeout)
        }
        settleDrains(now: now)
    }

    /// Fences partitions that have gone already: nothing of them is committed any more.
    package mutating func lose(_ partitions: [TopicPartition], now: MonotonicInstant) {
        for partition in partitions {
            if let epoch = epochs[partition] { forget(epoch) }
        }
        resumeWhereRoom()
    }

    /// Fences everything: the connection has gone, and what was asked of it with it.
    package mutating func disconnect() {
        for epoch in states.epochs { forget(epoch) }
        permits.forgetDemand()
        actions = EngineActions()
    }

    /// Stops intake, and lets what runs end within the budget.
    package mutating func shutDown(now: MonotonicInstant) {
        guard !isShuttingDown else { return }
        let deadline = now + settings.shutdownDrainTimeout
        shutdownDeadline = deadline
        permits.close()
        for epoch in states.epochs {
            guard let slot = states.slot(of: epoch) else { continue }
            beginDrain(slot, deadline: deadline)
        }
        settleDrains(now: now)
    }

    /// True once shutdown has begun.
    package var isShuttingDown: Bool { shutdownDeadline != nil }

    /// True once shutdown has let go of every partition, and nothing runs any more or its time is over. Work of partitions
    /// that were lost has as long as other work.
    package func isDrained(now: MonotonicInstant) -> Bool {
        guard let shutdownDeadline, states.isEmpty, commitInFlight == nil else { return false }
        return running.isEmpty || shutdownDeadline <= now
    }

    /// True if some work is with workers.
    package var hasRunningWork: Bool { !running.isEmpty }

    /// Lets time pass: deadlines of drains and of seeks, keys that cool down.
    package mutating func tick(now: MonotonicInstant) {
        if hotKeys?.tick(now: now) == true { settleHotKeys() }
        settleSeeks(now: now)
        settleDrains(now: now)
    }

    private mutating func beginDrain(_ slot: Int, deadline: MonotonicInstant) {
        if case .draining(let earlier) = states[slot].phase {
            states[slot].phase = .draining(deadline: min(earlier, deadline))
            return
        }
        // What was sought is committed all the same: the next owner begins there.
        if case .seeking(let position, _) = states[slot].phase { states[slot].sought = position }
        if states[slot].isHeldBack { actions.setPaused(false, states[slot].partition) }
        seeking.remove(states[slot].epoch)
        draining.insert(states[slot].epoch)
        states[slot].phase = .draining(deadline: deadline)
        dropWaiting(slot)
    }

    /// Forgets what of an assignment is not with a worker, and gives its permits back.
    mutating func dropWaiting(_ slot: Int) {
        if settings.isPartitionBatch {
            let dropped = states[slot].queue.dropWaiting()
            permits.release(records: dropped.records, bytes: dropped.bytes)
            states[slot].held = states[slot].queue.held
            return
        }
        var dropped = Permits.Demand(records: 0, bytes: 0)
        var loaded = Permits.Demand(records: 0, bytes: 0)
        lanes.drop(epoch: states[slot].epoch) { entry in
            if entry.side == nil {
                dropped.records += 1
                dropped.bytes += entry.bytes
            } else {
                loaded.records += 1
                loaded.bytes += entry.bytes
            }
        }
        sideHeld.records -= loaded.records
        sideHeld.bytes -= loaded.bytes
        permits.release(records: dropped.records, bytes: dropped.bytes)
        states[slot].held.records -= dropped.records
        states[slot].held.bytes -= dropped.bytes
        dropHeldKeys(slot)
    }

    /// Forgets an assignment at once, and lets those go on that have room then.
    mutating func fence(_ epoch: UInt64) {
        forget(epoch)
        resumeWhereRoom()
    }

    /// Forgets an assignment at once. What is with workers keeps its permits until it completes, and counts no more.
    private mutating func forget(_ epoch: UInt64) {
        guard let slot = states.slot(of: epoch) else { return }
        draining.remove(epoch)
        seeking.remove(epoch)
        let partition = states[slot].partition
        if epochs[partition] == epoch { epochs[partition] = nil }
        dropWaiting(slot)
        dropMoves(of: epoch)
        if hotKeys?.drop(epoch: epoch) == true { settleHotKeys() }
        let isStopped = states[slot].isPaused || states[slot].isPausedByUser || states[slot].isHeldBack
        if isStopped { actions.setPaused(false, partition) }
        if states[slot].isRevoked { actions.completeRevocation.append(partition) }
        states.remove(epoch)
    }

    /// Lets go of partitions that have drained and are committed.
    mutating func settleDrains(now: MonotonicInstant) {
        if draining.isEmpty { return }
        for epoch in draining.sorted() {
            guard let slot = states.slot(of: epoch), case .draining(let deadline) = states[slot].phase else { continue }
            let isIdle = states[slot].running == 0 && states[slot].side.operations == 0
            guard isIdle || deadline <= now else { continue }
            let partition = states[slot].partition
            if commitInFlight?.contains(where: { $0.partition == partition }) ?? false { continue }
            if !needsCommit(states[slot]) || deadline + settings.commitGrace <= now { fence(epoch) }
        }
    }
}

extension EngineSettings {
    /// How long after a drain's deadline its last commit may still be tried.
    var commitGrace: Duration { .seconds(1) }
}
