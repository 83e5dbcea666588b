package import SpillwayCore

/// The consumer engine: decides what is fetched, handled, tried again and committed. It does no input or output, knows
/// no clock and draws no random numbers.
///
/// Inputs are assignments, revocations, fetched records, completions and the time; outputs are ``takeActions()``,
/// ``takeWork(now:)`` and ``takeCommits(now:)``, to be asked for after every input and carried out outside of any lock.
/// Work that is taken must be completed exactly once, even after its partition has gone: it holds permits.
package struct ConsumerEngine: Sendable {
    let settings: EngineSettings
    var permits: Permits
    var states: [UInt64: PartitionState] = [:]
    var epochs: [TopicPartition: UInt64] = [:]
    var lanes: LaneScheduler
    var readyPartitions = Ring<UInt64>()
    var running: [UInt64: Running] = [:]
    var actions = EngineActions()
    /// What the engine has counted.
    package internal(set) var counters = EngineCounters()
    var isShuttingDown = false
    /// The assignments that are draining.
    var draining: Set<UInt64> = []
    var commitInFlight: [Commit]?
    var nextCommitAt: MonotonicInstant?
    /// After a failed commit the next one waits until then.
    var noCommitBefore = MonotonicInstant.zero
    /// When the first failed batch of a partition is due again.
    var nextPartitionRetry: MonotonicInstant?
    private var lastEpoch: UInt64 = 0
    private var lastWork: UInt64 = 0

    /// Work that is with a worker.
    enum Running: Sendable {
        case records([LaneScheduler.Taken])
        case batch(epoch: UInt64, permits: Permits.Demand)
    }

    /// Makes an engine that owns nothing yet.
    package init(_ settings: EngineSettings) {
        self.settings = settings
        permits = Permits(
            maxRecords: settings.maxInFlightRecords, maxBytes: settings.maxInFlightBytes,
            resumeAt: settings.resumeIntakeAt)
        lanes = LaneScheduler(order: settings.order)
    }

    mutating func nextEpoch() -> UInt64 {
        lastEpoch += 1
        return lastEpoch
    }

    // MARK: Records

    /// Takes in fetched records.
    package mutating func receive(_ batch: RecordBatch, now: MonotonicInstant) {
        let bytes = batch.records.reduce(0) { $0 + $1.byteCount }
        permits.received(records: batch.records.count, bytes: bytes)
        counters.received += batch.records.count
        guard let epoch = epochs[batch.partition], var state = states[epoch], state.generation == batch.generation,
            state.phase == .active
        else {
            counters.stale += batch.records.count
            permits.release(records: batch.records.count, bytes: bytes)
            return
        }
        // Out of the table while it changes, so that its buffers are not copied.
        states[epoch] = nil
        if settings.isPartitionBatch {
            receive(batch.records, bytes: bytes, into: &state, now: now)
        } else {
            for record in batch.records { receive(record, into: &state, now: now) }
        }
        pauseIfFull(&state)
        states[epoch] = state
    }

    private mutating func receive(
        _ records: [Record], bytes: Int, into state: inout PartitionState, now: MonotonicInstant
    ) {
        let wasReady = state.queue.isReady(now)
        let dropped = state.queue.receive(records, bytes: bytes)
        counters.repeated += dropped.records
        permits.release(records: dropped.records, bytes: dropped.bytes)
        state.held = state.queue.held
        if !wasReady, state.queue.isReady(now) { readyPartitions.append(state.epoch) }
    }

    private mutating func receive(_ record: Record, into state: inout PartitionState, now: MonotonicInstant) {
        let bytes = record.byteCount
        var place: UInt64?
        if let position = record.position {
            place = state.window.receive(position, timestampMs: record.timestampMs)
            guard let place else {
                counters.repeated += 1
                return permits.release(records: 1, bytes: bytes)
            }
            if state.wasFinished(position) {
                counters.skippedByHint += 1
                _ = state.window.finish(place)
                return permits.release(records: 1, bytes: bytes)
            }
        }
        state.held.records += 1
        state.held.bytes += bytes
        lanes.add(LaneEntry(record: record, epoch: state.epoch, place: place, bytes: bytes, attempts: 0), now: now)
    }

    // MARK: Work

    /// The next piece of work for a free worker, or `nil` if there is none now.
    package mutating func takeWork(now: MonotonicInstant) -> Work? {
        settings.isPartitionBatch ? takeBatch(now) : takeRecords(now)
    }

    private mutating func takeBatch(_ now: MonotonicInstant) -> Work? {
        wakePartitions(now)
        while let epoch = readyPartitions.popFirst() {
            guard var state = states[epoch], state.phase == .active else { continue }
            states[epoch] = nil
            let before = state.queue.held
            let records = state.queue.take(settings.limits, now: now)
            precondition(state.queue.held == before, "taking a batch changes nothing in what is held")
            state.running = records?.count ?? state.running
            states[epoch] = state
            guard let records else { continue }
            lastWork += 1
            let size = state.queue.batchPermits
            running[lastWork] = .batch(epoch: epoch, permits: size)
            let batch = RecordBatch(partition: state.partition, generation: state.generation, records: records)
            return Work(id: lastWork, content: .batch(batch, attempt: state.queue.attempts + 1))
        }
        return nil
    }

    /// Partitions whose failed batch is due again.
    private mutating func wakePartitions(_ now: MonotonicInstant) {
        guard nextPartitionRetry.map({ $0 <= now }) ?? false else { return }
        for epoch in states.keys.sorted() where states[epoch]?.parkedSince(now) == true {
            readyPartitions.append(epoch)
        }
        nextPartitionRetry = states.values.lazy.compactMap { $0.queue.parkedUntil }.filter { $0 > now }.min()
    }

    private mutating func takeRecords(_ now: MonotonicInstant) -> Work? {
        guard let taken = lanes.take(settings.limits, now: now) else { return nil }
        lastWork += 1
        running[lastWork] = .records(taken)
        var records: [WorkRecord] = []
        records.reserveCapacity(taken.count)
        for item in taken {
            guard let state = states[item.entry.epoch] else {
                preconditionFailure("records of a partition that has gone are dropped with it")
            }
            states[item.entry.epoch]?.running += 1
            let context = HandlingContext(
                record: item.entry.record, partition: state.partition, attempt: item.entry.attempts + 1)
            records.append(WorkRecord(context: context, lane: item.lane, generation: state.generation))
        }
        return Work(id: lastWork, content: .records(records))
    }

    /// Takes the end of a piece of work: one result for each record, or one for a whole batch.
    ///
    /// A record that follows one of the same lane that is tried again is handled again too, whatever its result.
    package mutating func complete(_ id: UInt64, _ results: [WorkResult], now: MonotonicInstant) {
        guard let work = running.removeValue(forKey: id) else {
            preconditionFailure("a piece of work is completed once")
        }
        switch work {
        case .batch(let epoch, let size):
            precondition(results.count == 1, "a batch has one result")
            completeBatch(epoch, size, results[0], now: now)
        case .records(let taken):
            precondition(results.count == taken.count, "there is one result for each record")
            completeRecords(taken, results, now: now)
        }
    }

    private mutating func completeBatch(
        _ epoch: UInt64, _ size: Permits.Demand, _ result: WorkResult, now: MonotonicInstant
    ) {
        guard var state = states[epoch] else {
            counters.lateCompletions += size.records
            return permits.release(records: size.records, bytes: size.bytes)
        }
        states[epoch] = nil
        state.running = 0
        switch result {
        case .finished:
            let released = state.queue.finish()
            permits.release(records: released.records, bytes: released.bytes)
            counters.finished += size.records
            noteFinished(size.records, in: &state, now: now)
            if state.phase == .active, state.queue.isReady(now) { readyPartitions.append(epoch) }
        case .retry(let instant):
            counters.retries += size.records
            state.queue.retry(at: instant)
            if state.isDraining {
                let dropped = state.queue.dropWaiting()
                permits.release(records: dropped.records, bytes: dropped.bytes)
            } else {
                nextPartitionRetry = nextPartitionRetry.map { min($0, instant) } ?? instant
            }
        }
        state.held = state.queue.held
        resumeIfRoom(&state)
        states[epoch] = state
        settleDrains(now: now)
    }

    private mutating func completeRecords(
        _ taken: [LaneScheduler.Taken], _ results: [WorkResult], now: MonotonicInstant
    ) {
        var outcomes: [LaneScheduler.Result] = []
        outcomes.reserveCapacity(taken.count)
        var blockedLane: Int?
        for (item, result) in zip(taken, results) {
            switch result {
            case _ where blockedLane == item.lane: outcomes.append(.again)
            case .finished: outcomes.append(.finished)
            case .retry(let instant):
                outcomes.append(.retry(at: instant))
                blockedLane = item.lane
            }
        }
        for (item, outcome) in zip(taken, outcomes) { settle(item.entry, outcome, now: now) }
        lanes.complete(taken, outcomes, now: now)
        settleDrains(now: now)
    }

    /// Accounts for one record of completed work.
    private mutating func settle(_ entry: LaneEntry, _ outcome: LaneScheduler.Result, now: MonotonicInstant) {
        guard var state = states[entry.epoch] else {
            counters.lateCompletions += 1
            return permits.release(records: 1, bytes: entry.bytes)
        }
        states[entry.epoch] = nil
        state.running -= 1
        var isReleased = state.isDraining
        if case .finished = outcome {
            isReleased = true
            counters.finished += 1
            if let place = entry.place {
                let isFirst = state.window.finish(place)
                precondition(isFirst, "a record is finished once")
            }
            noteFinished(1, in: &state, now: now)
        } else {
            counters.retries += 1
        }
        if isReleased {
            permits.release(records: 1, bytes: entry.bytes)
            state.held.records -= 1
            state.held.bytes -= entry.bytes
            resumeIfRoom(&state)
        }
        states[entry.epoch] = state
    }

    // MARK: Flow

    /// Pauses a partition that holds its share, so that it can't take the permits of the others.
    private mutating func pauseIfFull(_ state: inout PartitionState) {
        guard !state.isPaused, state.phase == .active else { return }
        let share = permits.share(of: states.count + 1)
        guard
            state.window.trackedCount >= settings.maxUncommittedRecords
                || (states.count > 0 && (state.held.records >= share.records || state.held.bytes >= share.bytes))
        else { return }
        state.isPaused = true
        actions.pause.append(state.partition)
    }

    private mutating func resumeIfRoom(_ state: inout PartitionState) {
        guard state.isPaused, state.phase == .active else { return }
        let share = permits.share(of: states.count + 1)
        guard state.window.trackedCount < max(1, settings.maxUncommittedRecords / 2 + 1),
            state.held.records * 2 <= share.records, state.held.bytes * 2 <= share.bytes
        else { return }
        state.isPaused = false
        actions.resume.append(state.partition)
    }

    /// What is to be done now, each thing once.
    package mutating func takeActions() -> EngineActions {
        if let demand = permits.takeDemand(partitions: epochs.count) {
            actions.request = (demand.records, demand.bytes)
        }
        defer { actions = EngineActions() }
        return actions
    }
}

extension PartitionState {
    /// True if its failed batch is due again.
    func parkedSince(_ now: MonotonicInstant) -> Bool {
        phase == .active && (queue.parkedUntil.map { $0 <= now } ?? false)
    }
}
