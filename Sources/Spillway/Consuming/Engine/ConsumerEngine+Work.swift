package import SpillwayCore

extension ConsumerEngine {
    /// How many pieces of work of a pool may be with workers.
    func workers(of pool: LanePool) -> Int {
        switch pool {
        case .shared: adaptive?.limit ?? settings.concurrency
        case .hot: settings.hotKeys?.workers ?? 0
        }
    }

    /// How many workers can have something to do at most, for whoever runs them.
    package var maxWorkers: Int { settings.concurrency + (settings.hotKeys?.workers ?? 0) }

    /// The next piece of work for a free worker, or `nil` if there is none now.
    package mutating func takeWork(now: MonotonicInstant) -> Work? {
        if isAllPaused { return nil }
        if settings.isPartitionBatch { return takeBatch(now) }
        // Either could take all that a rate lets go: the one goes first whose front has been ready longer.
        return lanes.isHotReadyLonger
            ? takeRecords(.hot, now) ?? takeRecords(.shared, now)
            : takeRecords(.shared, now) ?? takeRecords(.hot, now)
    }

    private mutating func takeBatch(_ now: MonotonicInstant) -> Work? {
        guard busy[LanePool.shared.rawValue] < workers(of: .shared) else { return nil }
        wakePartitions(now)
        while let epoch = readyPartitions.first {
            let allowed = gate.allowance(settings.limits.maxRecords, now: now)
            if allowed < settings.limits.maxRecords, let held = states[epoch: epoch]?.queue.held.records {
                gate.want(min(settings.limits.maxRecords, held) - allowed, now: now)
            }
            guard allowed > 0 else { return nil }
            _ = readyPartitions.popFirst()
            guard let slot = states.slot(of: epoch), states[slot].phase == .active else { continue }
            let before = states[slot].queue.held
            var limits = settings.limits
            limits.maxRecords = allowed
            guard let records = states[slot].queue.take(limits, now: now) else { continue }
            precondition(states[slot].queue.held == before, "taking a batch changes nothing in what is held")
            states[slot].running = records.count
            lastWork += 1
            let size = states[slot].queue.batchPermits
            gate.take(records: size.records, bytes: size.bytes, now: now)
            running[lastWork] = RunningWork(records: records.count, batch: (epoch, size))
            busy[LanePool.shared.rawValue] += 1
            runningRecords += records.count
            let batch = RecordBatch(
                partition: states[slot].partition, generation: states[slot].generation, records: records)
            return Work(id: lastWork, content: .batch(batch, attempt: states[slot].queue.attempts + 1))
        }
        return nil
    }

    /// Partitions whose failed batch is due again.
    private mutating func wakePartitions(_ now: MonotonicInstant) {
        guard nextPartitionRetry.map({ $0 <= now }) ?? false else { return }
        for state in states.all where state.parkedSince(now) { readyPartitions.append(state.epoch) }
        nextPartitionRetry = states.all.lazy.compactMap { $0.queue.parkedUntil }.filter { $0 > now }.min()
    }

    private mutating func takeRecords(_ pool: LanePool, _ now: MonotonicInstant) -> Work? {
        guard busy[pool.rawValue] < workers(of: pool) else { return nil }
        var limits = settings.limits
        let isSingle = settings.isSingle
        if isSingle { limits = chunkLimits(pool) }
        let allowed = gate.allowance(limits.maxRecords, now: now)
        if allowed < limits.maxRecords {
            gate.want(min(limits.maxRecords, lanes.readyCount(pool)) - allowed, now: now)
        }
        let canGrow = limits.maxDelay == .zero || canBatchesGrow
        guard lanes.isDue(pool, limits, canGrow: canGrow, now: now),
            hasWaitedForRate(pool, limits, allowed, now: now)
        else { return nil }
        limits.maxRecords = allowed
        let taken = lanes.take(pool, limits, perLane: isSingle ? 1 : .max, now: now)
        guard !taken.isEmpty else { return nil }
        rateWaits[pool.rawValue] = nil
        lastWork += 1
        busy[pool.rawValue] += 1
        running[lastWork] = RunningWork(pool: pool, records: taken.count, taken: taken.count, since: now)
        runningRecords += taken.count
        var records: [WorkRecord] = []
        records.reserveCapacity(taken.count)
        var bytes = 0
        for number in taken {
            let slot = lanes.entries.slot(number)
            precondition(
                states.isLive(slot, lanes.entries.epoch(number)),
                "records of a partition that has gone are dropped with it")
            states[slot].running += 1
            bytes += lanes.entries.bytes(number)
            let context = HandlingContext(
                record: lanes.entries.record(number), partition: states.partition(slot),
                attempt: lanes.entries.attempts(number) + 1)
            records.append(
                WorkRecord(
                    context: context, number: number, lane: lanes.entries.lane(number),
                    generation: states.generation(slot), rounds: lanes.entries.rounds(number),
                    received: lanes.entries.received(number)))
        }
        gate.take(records: taken.count, bytes: bytes, now: now)
        return Work(id: lastWork, content: .records(records))
    }

    /// True if a record may still arrive and join a batch; else nothing does before some of what is here have ended.
    private var canBatchesGrow: Bool { !permits.isStopped && states.canReceive }

    /// True if a batch that is due may go: the rate lets go all that it could take, or was waited for as long as a batch
    /// may wait.
    private mutating func hasWaitedForRate(
        _ pool: LanePool, _ limits: BatchLimits, _ allowed: Int, now: MonotonicInstant
    ) -> Bool {
        if limits.maxDelay == .zero || allowed >= rateGoal(pool, limits) { return allowed > 0 }
        let since = rateWaits[pool.rawValue] ?? now
        rateWaits[pool.rawValue] = since
        return allowed > 0 && since + limits.maxDelay <= now
    }

    /// How many records a batch takes where no rate keeps it from that.
    private func rateGoal(_ pool: LanePool, _ limits: BatchLimits) -> Int {
        min(limits.maxRecords, lanes.readyRecords(pool), gate.burst)
    }

    /// When the first batch goes that waits for the rate.
    func nextRateEnd(now: MonotonicInstant) -> MonotonicInstant? {
        LanePool.allCases.compactMap { pool in
            rateWaits[pool.rawValue].flatMap { since in
                let end = since + settings.limits.maxDelay
                let wait = gate.delay(until: rateGoal(pool, settings.limits), now: now)
                return wait.map { min(end, now + $0) } ?? end
            }
        }.filter { $0 > now }.min()
    }

    /// Records that are handled one by one go to a worker several at a time, if there are more than workers and if their
    /// handling is so short that taking them would cost as much: about 100 us of work. A lane gives one at a time.
    private func chunkLimits(_ pool: LanePool) -> BatchLimits {
        let share = lanes.readyCount(pool) / max(1, workers(of: pool))
        let worth = handlingNs.map { Int(100_000 / max($0, 1)) } ?? 1
        return BatchLimits(
            maxRecords: max(1, min(settings.maxChunkRecords, share, worth)), maxBytes: settings.maxInFlightBytes,
            maxDelay: .zero)
    }

    /// Takes records back that a worker has not begun, since one before them takes long: others may have them.
    package mutating func giveBack(_ id: UInt64, _ records: [WorkRecord], now: MonotonicInstant) {
        guard var work = running[id] else { preconditionFailure("only running work is given back") }
        work.records -= records.count
        runningRecords -= records.count
        precondition(work.records > 0, "what is being handled stays with its worker")
        running[id] = work
        gate.giveBack(records: records.count, bytes: records.reduce(0) { $0 + lanes.entries.bytes($1.number) })
        for record in records {
            guard lanes.isInLane(record.number) else {
                settleOrphan(record.number, .retry(at: now), now: now)
                continue
            }
            states[lanes.entries.slot(record.number)].running -= 1
            lanes.endTurn(of: record.lane, now: now)
        }
        settleDrains(now: now)
    }

    // MARK: Ends

    /// Takes the end of a slice of a partition.
    package mutating func completeBatch(_ id: UInt64, _ result: WorkResult, now: MonotonicInstant) {
        guard let work = running.removeValue(forKey: id), let batch = work.batch else {
            preconditionFailure("a piece of work is completed once")
        }
        busy[work.pool.rawValue] -= 1
        runningRecords -= work.records
        completeBatch(batch.epoch, batch.permits, result, now: now)
    }

    private mutating func completeBatch(
        _ epoch: UInt64, _ size: Permits.Demand, _ result: WorkResult, now: MonotonicInstant
    ) {
        guard let slot = states.slot(of: epoch) else {
            counters.lateCompletions += size.records
            return permits.release(records: size.records, bytes: size.bytes)
        }
        states[slot].running = 0
        switch result {
        case .finished:
            let released = states[slot].queue.finish()
            permits.release(records: released.records, bytes: released.bytes)
            counters.finished += size.records
            noteFinished(size.records, in: slot, now: now)
            if states[slot].phase == .active, states[slot].queue.isReady(now) { readyPartitions.append(epoch) }
        case .retry(let instant), .move(_, let instant):
            counters.retries += size.records
            states[slot].queue.retry(at: instant)
            if states[slot].phase == .active {
                nextPartitionRetry = nextPartitionRetry.map { min($0, instant) } ?? instant
            } else {
                let dropped = states[slot].queue.dropWaiting()
                permits.release(records: dropped.records, bytes: dropped.bytes)
            }
        }
        states[slot].held = states[slot].queue.held
        resumeIfRoom(slot)
        settleSeek(slot, now: now)
        settleDrains(now: now)
    }

    /// Takes the ends of some records of a piece of work; see ``complete(_:_:began:now:)``.
    package mutating func complete(
        _ id: UInt64, _ ends: some Collection<(record: WorkRecord, result: WorkResult)>, now: MonotonicInstant
    ) {
        complete(id, ends.map { WorkEnd($0.record, $0.result) }, now: now)
    }

    /// Takes the ends of some records of a piece of work, in their order; records of one lane all at once. The worker is
    /// free once all of them have been taken.
    ///
    /// A record that follows one of the same lane that is tried again is handled again too, whatever its result.
    ///
    /// - Parameter began: when the worker began; by default when it was given the work. Between them it may have waited
    ///   for a thread, which says nothing about how long handling takes.
    package mutating func complete(
        _ id: UInt64, _ ends: [WorkEnd], began: MonotonicInstant? = nil, now: MonotonicInstant
    ) {
        guard var work = running[id] else { preconditionFailure("a piece of work is completed once") }
        work.records -= ends.count
        runningRecords -= ends.count
        precondition(work.records >= 0, "there is one result for each record")
        if work.records == 0 {
            running[id] = nil
            busy[work.pool.rawValue] -= 1
            if let began { work.since = began }
            noteHandling(of: work, now: now)
        } else {
            running[id] = work
        }
        var index = 0
        while index < ends.count {
            let lane = ends[index].lane
            var end = index + 1
            while end < ends.count, ends[end].lane == lane { end += 1 }
            endTurn(of: lane, ends, index..<end, now: now)
            index = end
        }
        settleDrains(now: now)
    }

    /// The records of one lane have come back: those of a range.
    private mutating func endTurn(of lane: Int, _ ends: [WorkEnd], _ range: Range<Int>, now: MonotonicInstant) {
        guard lanes.isInLane(ends[range.lowerBound].number) else {
            var isBlocked = false
            for index in range {
                settleOrphan(ends[index].number, isBlocked ? .retry(at: now) : ends[index].result, now: now)
                isBlocked = isBlocked || ends[index].result.blocksLane
            }
            return
        }
        adapt(ends[range.lowerBound].number, ends[range.lowerBound].result, now: now)
        for index in range {
            let number = ends[index].number
            lanes.update(number) { $0.attempts += 1 }
            switch ends[index].result {
            case .finished:
                lanes.popFirst(of: lane)
                settleFinished(number, now: now)
            case .retry(let instant):
                return wait(lane, number, range.upperBound - index, until: instant, now: now)
            case .move(let move, let instant):
                guard mayMove(number, move, now: now) else {
                    counters.refusedMoves += 1
                    return wait(lane, number, range.upperBound - index, until: instant, move, now: now)
                }
                if move.holdsKey(of: lanes.entries[number], order: settings.order) {
                    countRetries(range.upperBound - index, from: number)
                    return hold(lane, number, move, now: now)
                }
                self.move(number, of: lane, move)
            }
        }
        lanes.endTurn(of: lane, now: now)
    }

    /// Accounts for records that came back and are handled again: so many from one on.
    mutating func countRetries(_ count: Int, from number: Int) {
        counters.retries += count
        states[lanes.entries.slot(number)].running -= count
    }

    /// A record has its final state.
    private mutating func settleFinished(_ number: Int, now: MonotonicInstant) {
        states[lanes.entries.slot(number)].running -= 1
        counters.finished += 1
        budget.earn(successes: 1)
        if lanes.entries.side(number) != nil {
            finishLoaded(number, now: now)
        } else {
            finish(number, now: now)
        }
    }

    /// A record of the log is done with: its place and its permits are given back.
    mutating func finish(_ number: Int, now: MonotonicInstant) {
        let slot = lanes.entries.slot(number)
        let bytes = lanes.entries.bytes(number)
        if let place = lanes.entries.place(number) {
            let isFirst = states[slot].window.finish(place)
            precondition(isFirst, "a record is finished once")
        }
        lanes.forget(number)
        noteFinished(1, in: slot, now: now)
        permits.release(records: 1, bytes: bytes)
        states[slot].held.records -= 1
        states[slot].held.bytes -= bytes
        resumeIfRoom(slot)
    }

    /// A record whose lane has gone: its partition is draining, or has gone too.
    private mutating func settleOrphan(_ number: Int, _ result: WorkResult, now: MonotonicInstant) {
        let entry = lanes.entries[number]
        guard states.isLive(entry.slot, entry.epoch) else {
            counters.lateCompletions += 1
            return release(number)
        }
        if result == .finished {
            settleFinished(number, now: now)
            return settleSeek(entry.slot, now: now)
        }
        counters.retries += 1
        states[entry.slot].running -= 1
        states[entry.slot].held.records -= entry.side == nil ? 1 : 0
        states[entry.slot].held.bytes -= entry.side == nil ? entry.bytes : 0
        release(number)
        settleSeek(entry.slot, now: now)
    }

    /// Forgets a record whose partition has gone, or that comes again, with its permits.
    mutating func release(_ number: Int) {
        let entry = lanes.entries[number]
        if entry.side == nil {
            permits.release(records: 1, bytes: entry.bytes)
        } else {
            releaseSide(entry.bytes)
        }
        lanes.forget(number)
    }

    /// A long handling counts at once, so that those behind it are not taken in its company; short ones in the mean.
    private mutating func noteHandling(of work: RunningWork, now: MonotonicInstant) {
        guard settings.isSingle, work.taken > 0 else { return }
        let mine = Double((now - work.since).wholeNanoseconds) / Double(work.taken)
        handlingNs = handlingNs.map { max($0 + (mine - $0) / 8, mine / 8) } ?? mine
    }

    private mutating func adapt(_ number: Int, _ result: WorkResult, now: MonotonicInstant) {
        guard adaptive != nil else { return }
        let time = now - lanes.entries.started(number)
        adaptive?.observe(time, failed: result.isOverload, inUse: busy[LanePool.shared.rawValue] + 1)
    }
}

extension PartitionState {
    /// True if its failed batch is due again.
    func parkedSince(_ now: MonotonicInstant) -> Bool {
        phase == .active && (queue.parkedUntil.map { $0 <= now } ?? false)
    }
}
