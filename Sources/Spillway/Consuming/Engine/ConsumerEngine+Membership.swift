package import SpillwayCore

extension ConsumerEngine {
    /// Takes new partitions. Those whose handler owns its positions stay paused until they are opened.
    package mutating func assign(_ assignments: [Assignment], now: MonotonicInstant) {
        for assignment in assignments {
            if let old = epochs[assignment.partition] { fence(old) }
            var finishedBefore: [ClosedRange<Position>] = []
            if let hint = assignment.hint, !settings.asksForPositions {
                if let known = CommitHint(decoding: hint, commit: assignment.start) {
                    finishedBefore = known.ranges
                } else {
                    counters.foreignHints += 1
                }
            }
            let epoch = nextEpoch()
            var phase = settings.asksForPositions ? PartitionState.Phase.opening : .active
            if isShuttingDown {
                phase = .draining(deadline: now)
                draining.insert(epoch)
            }
            if phase == .opening {
                actions.pause.append(assignment.partition)
                actions.open.append(EngineActions.Opening(partition: assignment.partition, epoch: epoch))
            }
            epochs[assignment.partition] = epoch
            states[epoch] = PartitionState(assignment, epoch: epoch, phase: phase, finishedBefore: finishedBefore)
        }
        settleDrains(now: now)
    }

    /// Begins a partition where its handler says; without a position where the broker says.
    package mutating func opened(_ partition: TopicPartition, epoch: UInt64, at position: Position?) {
        guard var state = states[epoch], state.phase == .opening else { return }
        states[epoch] = nil
        let start = position ?? state.start
        state.begin(at: start)
        state.phase = .active
        states[epoch] = state
        actions.seek.append((partition, start))
        actions.resume.append(partition)
    }

    /// True while the partition's handler still has to say where to begin.
    package func isOpening(epoch: UInt64) -> Bool { states[epoch]?.phase == .opening }

    /// Starts to give partitions back: nothing new is started, what runs may end within the budget, then it is
    /// committed, and only then may others have them.
    package mutating func revoke(_ partitions: [TopicPartition], now: MonotonicInstant) {
        for partition in partitions {
            guard let epoch = epochs[partition], states[epoch] != nil else {
                actions.completeRevocation.append(partition)
                continue
            }
            states[epoch]?.isRevoked = true
            beginDrain(epoch, deadline: now + settings.revocationDrainTimeout)
        }
        settleDrains(now: now)
    }

    /// Fences partitions that have gone already: nothing of them is committed any more.
    package mutating func lose(_ partitions: [TopicPartition], now: MonotonicInstant) {
        for partition in partitions {
            if let epoch = epochs[partition] { fence(epoch) }
        }
    }

    /// Fences everything: the connection has gone, and what was asked of it with it.
    package mutating func disconnect() {
        for epoch in states.keys.sorted() { fence(epoch) }
        permits.forgetDemand()
        actions = EngineActions()
    }

    /// Stops intake, and lets what runs end within the budget.
    package mutating func shutDown(now: MonotonicInstant) {
        guard !isShuttingDown else { return }
        isShuttingDown = true
        permits.close()
        for epoch in states.keys.sorted() { beginDrain(epoch, deadline: now + settings.shutdownDrainTimeout) }
        settleDrains(now: now)
    }

    /// True once shutdown has let go of every partition.
    package var isDrained: Bool { isShuttingDown && states.isEmpty && commitInFlight == nil }

    /// True if some work is with workers.
    package var hasRunningWork: Bool { !running.isEmpty }

    /// Lets time pass: deadlines of drains.
    package mutating func tick(now: MonotonicInstant) { settleDrains(now: now) }

    private mutating func beginDrain(_ epoch: UInt64, deadline: MonotonicInstant) {
        guard var state = states[epoch] else { return }
        if case .draining(let earlier) = state.phase {
            state.phase = .draining(deadline: min(earlier, deadline))
            states[epoch] = state
            return
        }
        states[epoch] = nil
        draining.insert(epoch)
        if state.phase == .opening { actions.resume.append(state.partition) }
        state.phase = .draining(deadline: deadline)
        let dropped = dropWaiting(&state)
        state.held.records -= dropped.records
        state.held.bytes -= dropped.bytes
        states[epoch] = state
    }

    private mutating func dropWaiting(_ state: inout PartitionState) -> Permits.Demand {
        let dropped = settings.isPartitionBatch ? state.queue.dropWaiting() : lanes.drop(epoch: state.epoch)
        permits.release(records: dropped.records, bytes: dropped.bytes)
        return dropped
    }

    /// Forgets an assignment at once. What is with workers keeps its permits until it completes, and counts no more.
    mutating func fence(_ epoch: UInt64) {
        guard var state = states.removeValue(forKey: epoch) else { return }
        draining.remove(epoch)
        if epochs[state.partition] == epoch { epochs[state.partition] = nil }
        _ = dropWaiting(&state)
        if state.isPaused || state.phase == .opening { actions.resume.append(state.partition) }
        if state.isRevoked { actions.completeRevocation.append(state.partition) }
    }

    /// Lets go of partitions that have drained and are committed.
    mutating func settleDrains(now: MonotonicInstant) {
        for epoch in draining.sorted() {
            guard let state = states[epoch], case .draining(let deadline) = state.phase else { continue }
            let isIdle = state.running == 0
            guard isIdle || deadline <= now else { continue }
            let isCommitting = commitInFlight?.contains { $0.partition == state.partition } ?? false
            if isCommitting { continue }
            if !needsCommit(state) || deadline + settings.commitGrace <= now { fence(epoch) }
        }
    }
}

extension EngineSettings {
    /// How long after a drain's deadline its last commit may still be tried.
    var commitGrace: Duration { .seconds(1) }
}
