import SpillwayCore

/// Chooses which records are handled next, so that records that wait for each other follow each other and nothing
/// else waits.
///
/// Choosing is O(1) in the number of keys: a lane that can run stands in the ready queue once and goes back to its end
/// after its turn.
struct LaneScheduler: Sendable {
    /// A record on its way to a worker, and the lane that it came from. Entries of a lane are next to each other.
    struct Taken: Sendable {
        var entry: LaneEntry
        var lane: Int
    }

    /// What became of a record.
    enum Result: Sendable {
        /// It has its final state.
        case finished
        /// It failed and is tried again at that time.
        case retry(at: MonotonicInstant)
        /// It has to follow an earlier record of its lane that is tried again.
        case again
    }

    let order: OrderMode
    private var lanes: [Lane?] = []
    private var freeLanes: [Int] = []
    private var laneOfKey: [LaneKey: Int] = [:]
    private var ready = Ring<Int>()
    private var parked = ParkedLanes()
    private var readyRecords = 0
    private var readyBytes = 0

    init(order: OrderMode) { self.order = order }

    var laneCount: Int { lanes.count - freeLanes.count }
    var parkedCount: Int { parked.count }
    var keyCount: Int { laneOfKey.count }
    var readyCount: Int { ready.count }

    mutating func add(_ entry: LaneEntry, now: MonotonicInstant) {
        let key = laneKey(of: entry)
        if let key, let id = laneOfKey[key] {
            lanes[id]?.append(entry)
            if case .ready = lanes[id]?.state {
                readyRecords += 1
                readyBytes += entry.bytes
            }
            return
        }
        // A copy of the key, so that a lane that lives on does not hold the bytes of a whole fetch.
        let ownKey = key.map { LaneKey(epoch: $0.epoch, key: ArraySlice(Array($0.key))) }
        var lane = Lane(epoch: entry.epoch, key: ownKey, state: .running)
        lane.append(entry)
        let id = freeLanes.popLast() ?? lanes.count
        if id == lanes.count { lanes.append(lane) } else { lanes[id] = lane }
        if let ownKey { laneOfKey[ownKey] = id }
        makeReady(id, now: now)
    }

    /// Takes the next records for a worker, or `nil` if none are ready or their batch should wait to grow.
    mutating func take(_ limits: BatchLimits, now: MonotonicInstant) -> [Taken]? {
        unpark(now)
        guard let front = ready.first, let since = readySince(front) else { return nil }
        guard readyRecords >= limits.maxRecords || readyBytes >= limits.maxBytes || since + limits.maxDelay <= now
        else { return nil }
        var taken: [Taken] = []
        var bytes = 0
        while taken.count < limits.maxRecords, taken.isEmpty || bytes < limits.maxBytes, let id = ready.popFirst() {
            guard var lane = lanes[id] else { continue }
            // Out of the slot while it changes: the lane's records are then not shared, and not copied.
            lanes[id] = nil
            readyRecords -= lane.entries.count
            readyBytes -= lane.bytes
            lane.state = .running
            while taken.count < limits.maxRecords, taken.isEmpty || bytes < limits.maxBytes,
                let entry = lane.popFirst()
            {
                bytes += entry.bytes
                taken.append(Taken(entry: entry, lane: id))
            }
            lanes[id] = lane
        }
        return taken.isEmpty ? nil : taken
    }

    /// Ends the turn of the lanes of a piece of work. Records that aren't finished go back to the front of their lane,
    /// in order. The results are one for each record, in their order.
    mutating func complete(_ work: [Taken], _ results: [Result], now: MonotonicInstant) {
        var end = work.count
        while end > 0 {
            let id = work[end - 1].lane
            var start = end
            while start > 0, work[start - 1].lane == id { start -= 1 }
            endTurn(of: id, work[start..<end], results[start..<end], now: now)
            end = start
        }
    }

    /// Forgets what waits of an assignment, and returns how much it was.
    mutating func drop(epoch: UInt64) -> Permits.Demand {
        var dropped = Permits.Demand(records: 0, bytes: 0)
        ready.keep { lanes[$0]?.epoch != epoch }
        parked.keep { lanes[$0]?.epoch != epoch }
        for id in lanes.indices {
            guard let lane = lanes[id], lane.epoch == epoch else { continue }
            dropped.records += lane.entries.count
            dropped.bytes += lane.bytes
            if case .ready = lane.state {
                readyRecords -= lane.entries.count
                readyBytes -= lane.bytes
            }
            remove(id, lane)
        }
        return dropped
    }

    /// When the first parked lane is due.
    var nextRetry: MonotonicInstant? { parked.nextDue }

    /// When the batch that is growing closes by time.
    func nextClose(_ limits: BatchLimits) -> MonotonicInstant? {
        ready.first.flatMap { readySince($0) }.map { $0 + limits.maxDelay }
    }

    private func laneKey(of entry: LaneEntry) -> LaneKey? {
        switch order {
        case .none: nil
        case .partition: LaneKey(epoch: entry.epoch, key: [])
        case .key: entry.record.key.map { LaneKey(epoch: entry.epoch, key: $0) }
        }
    }

    private func readySince(_ id: Int) -> MonotonicInstant? {
        guard case .ready(let since) = lanes[id]?.state else { return nil }
        return since
    }

    private mutating func endTurn(
        of id: Int, _ work: ArraySlice<Taken>, _ results: ArraySlice<Result>, now: MonotonicInstant
    ) {
        // Gone if its partition went while the work was running.
        guard var lane = lanes[id], let first = work.first, lane.epoch == first.entry.epoch else { return }
        lanes[id] = nil
        var retryAt: MonotonicInstant?
        for index in work.indices.reversed() {
            var entry = work[index].entry
            switch results[index] {
            case .finished: continue
            case .again: break
            case .retry(let instant):
                entry.attempts += 1
                retryAt = instant
            }
            lane.prepend(entry)
        }
        lanes[id] = lane
        if let retryAt {
            lanes[id]?.state = .parked
            parked.insert(ParkedLanes.Entry(due: retryAt, lane: id))
        } else if lane.entries.isEmpty {
            remove(id, lane)
        } else {
            makeReady(id, now: now)
        }
    }

    private mutating func unpark(_ now: MonotonicInstant) {
        while let id = parked.popDue(now) { makeReady(id, now: now) }
    }

    private mutating func makeReady(_ id: Int, now: MonotonicInstant) {
        lanes[id]?.state = .ready(since: now)
        readyRecords += lanes[id]?.entries.count ?? 0
        readyBytes += lanes[id]?.bytes ?? 0
        ready.append(id)
    }

    private mutating func remove(_ id: Int, _ lane: Lane) {
        if let key = lane.key { laneOfKey[key] = nil }
        lanes[id] = nil
        freeLanes.append(id)
    }
}
