import SpillwayCore

extension Move {
    /// True if the whole key goes to the side queue with the record.
    func holdsKey(of entry: LaneEntry, order: OrderMode) -> Bool {
        guard case .hold = destination else { return false }
        return order == .key && entry.record.key != nil && entry.record.position != nil && entry.side != .delayed
    }
}

/// Records on their way to the failure store.
extension ConsumerEngine {
    /// True if a failed record may leave its lane: the budget says so, or it comes from the side queue and goes back there.
    mutating func mayMove(_ number: Int, _ move: Move, now: MonotonicInstant) -> Bool {
        guard settings.usesFailureStore else { return false }
        if lanes.entries[number].side != nil, move.destination != .deadLetter { return true }
        return budget.spend(now: now)
    }

    /// Moves the record at the front of a running lane away; the lane goes on with the next one.
    mutating func move(_ number: Int, of lane: Int, _ move: Move) {
        let entry = lanes.entries[number]
        lanes.popFirst(of: lane)
        states[entry.slot].running -= 1
        states[entry.slot].side.operations += 1
        // It leaves its key's place in the side queue too.
        let place = entry.side == .held ? heldPlace(of: entry) : nil
        if let place {
            heldKeys[place].loaded -= 1
            heldKeys[place].removing += 1
        }
        side.reasons[number] = SideTraffic.Reason(move: move, place: place)
        if move.destination == .deadLetter { side.burials.append(number) } else { side.moves.append(number) }
    }

    private func heldPlace(of entry: LaneEntry) -> Int? {
        let key = entry.record.key ?? []
        return heldKeys.find(lanes.hash(entry.epoch, key), epoch: entry.epoch, key: key)
    }

    /// A key's first record has failed for long, and the key waits in the side queue from here on.
    mutating func hold(_ lane: Int, _ number: Int, _ move: Move, now: MonotonicInstant) {
        guard case .hold(let until) = move.destination else { return }
        let head = lanes.entries[number]
        let hash = lanes[lane].hash
        var list = lanes.extract(lane)
        let place =
            heldPlace(of: head)
            ?? addHeldKey(Array(head.record.key ?? []), hash: hash, epoch: head.epoch, slot: head.slot, dueAt: until)
        heldKeys[place].dueAt = until
        var arrived = EntryList()
        while let next = lanes.pop(from: &list) {
            let entry = lanes.entries[next]
            if entry.side == nil {
                lanes.append(next, to: &arrived)
            } else if next == number {
                // It is in the store: only when it is due changes there.
                heldKeys[place].loaded -= 1
                heldKeys[place].unloaded += 1
                heldKeys[place].isUpdating = true
                heldKeys[place].loadFrom = head.record.position ?? heldKeys[place].loadFrom
                side.reasons[number] = SideTraffic.Reason(move: move, place: place)
                side.moves.append(number)
                states[head.slot].side.operations += 1
            } else {
                unload(next)
            }
        }
        // What was here stands before what came later.
        lanes.append(heldKeys[place].pending, to: &arrived)
        heldKeys[place].pending = arrived
        heldKeys[place].isFirstAbsent = false
        if head.side == nil { side.reasons[number] = SideTraffic.Reason(move: move, place: place) }
        queuePuts(place)
        heldKeys.schedule(place)
    }

    /// Forgets a record that came from the side queue and has not been handled; it is still there.
    mutating func unload(_ number: Int) {
        let entry = lanes.entries[number]
        if let position = entry.record.position {
            if entry.side == .delayed {
                states[entry.slot].side.forget(position)
                states[entry.slot].side.nextLook = .zero
            } else if let place = heldPlace(of: entry) {
                heldKeys[place].loaded -= 1
                heldKeys[place].unloaded += 1
                heldKeys[place].loadFrom = min(heldKeys[place].loadFrom ?? position, position)
                heldKeys.schedule(place)
            }
        }
        releaseSide(entry.bytes)
        lanes.forget(number)
    }

    // MARK: Keys

    @discardableResult
    mutating func addHeldKey(
        _ key: [UInt8], hash: UInt64, epoch: UInt64, slot: Int, dueAt: MonotonicInstant
    ) -> Int {
        heldKeys.add(HeldKeys.Key(epoch: epoch, slot: slot, key: key, hash: hash, dueAt: dueAt))
    }

    /// A key that was held before the partition was assigned.
    mutating func addHeldKey(_ summary: HeldKeySummary, dueAt: MonotonicInstant, slot: Int) {
        let epoch = states[slot].epoch
        let hash = lanes.hash(epoch, summary.key[...])
        let place = addHeldKey(summary.key, hash: hash, epoch: epoch, slot: slot, dueAt: dueAt)
        heldKeys[place].first = summary.first
        heldKeys[place].unloaded = summary.records
        heldKeys[place].loadFrom = summary.first
        heldKeys.schedule(place)
    }

    /// A record of a held key has arrived: it follows the others, also if the store may have it already.
    mutating func receive(_ entry: LaneEntry, ofHeld place: Int, now: MonotonicInstant) {
        let number = lanes.add(entry)
        let key = heldKeys[place]
        if let position = entry.record.position, let first = key.first, position < first, key.pending.isEmpty,
            key.writing == 0, !key.isUnsure
        {
            // Not finished when the key's later records were put aside: it comes before them.
            heldKeys[place].followsLane = true
            lanes.place(number, hash: key.hash, now: now)
            return
        }
        lanes.append(number, to: &heldKeys[place].pending)
        queuePuts(place)
    }

    /// True if a hot key has as many records here as it may, and the others are to wait in the side queue.
    func isOverflowing(_ hash: UInt64, _ entry: LaneEntry) -> Bool {
        guard lanes.hotHashes.contains(hash), let policy = settings.hotKeys, policy.overflow == .sideQueue,
            settings.usesFailureStore, entry.record.position != nil,
            FailureOperation.refusal(toHold: entry.record.key) == nil,
            let lane = lanes.lane(hash, epoch: entry.epoch, key: entry.record.key)
        else { return false }
        return lanes[lane].entries.count >= policy.maxQueuedRecords
    }

    /// A record of a hot lane that is full goes to the side queue, and all that follow it.
    mutating func spill(_ number: Int, hash: UInt64, now: MonotonicInstant) {
        let entry = lanes.entries[number]
        let place = addHeldKey(
            Array(entry.record.key ?? []), hash: hash, epoch: entry.epoch, slot: entry.slot, dueAt: now)
        heldKeys[place].followsLane = true
        lanes.append(number, to: &heldKeys[place].pending)
        queuePuts(place)
    }

    private mutating func queuePuts(_ place: Int) {
        guard !heldKeys[place].isQueued, !heldKeys[place].pending.isEmpty else { return }
        heldKeys[place].isQueued = true
        side.keysToPut.append(place)
    }

    /// Lets a key go on as others do, once nothing of it is in the store.
    mutating func settleHeldKey(_ place: Int, now: MonotonicInstant) {
        guard heldKeys[place].isEmptyInStore else { return }
        if !heldKeys[place].pending.isEmpty, heldKeys[place].dueAt > now { return heldKeys.schedule(place) }
        var pending = heldKeys[place].pending
        let hash = heldKeys[place].hash
        heldKeys[place].pending = EntryList()
        heldKeys.remove(place)
        while let number = lanes.pop(from: &pending) {
            side.reasons[number] = nil
            lanes.place(number, hash: hash, now: now)
        }
    }

    /// True if the log has delivered everything up to a position, or does not deliver it any more.
    func hasPassed(_ position: Position, _ slot: Int) -> Bool {
        states[slot].start > position || (states[slot].lastReceived.map { $0 >= position } ?? false)
    }

    /// True if the log has delivered everything before a position.
    func hasReached(_ position: Position, _ slot: Int) -> Bool {
        states[slot].start >= position || (states[slot].lastReceived.map { $0.successor >= position } ?? false)
    }

    // MARK: Permits

    mutating func releaseSide(_ bytes: Int) {
        sideHeld.records -= 1
        sideHeld.bytes -= bytes
        precondition(sideHeld.records >= 0 && sideHeld.bytes >= 0, "a permit was given back twice")
    }

    /// A record that came from the side queue has its final state.
    mutating func finishLoaded(_ number: Int, now: MonotonicInstant) {
        let entry = lanes.entries[number]
        guard let position = entry.record.position else {
            preconditionFailure("what was in the side queue has a position")
        }
        let name = RecordName(group: settings.group, partition: states[entry.slot].partition, position: position)
        var removal = SideTraffic.Removal(name: name, epoch: entry.epoch)
        if entry.side == .held, let place = heldPlace(of: entry) {
            heldKeys[place].loaded -= 1
            heldKeys[place].removing += 1
            removal.place = place
            if heldKeys[place].loaded == 0, heldKeys[place].unloaded > 0 {
                heldKeys[place].dueAt = now
                heldKeys.schedule(place)
            }
        }
        releaseSide(entry.bytes)
        lanes.forget(number)
        states[entry.slot].side.operations += 1
        side.removals.append(removal)
    }

    // MARK: Leaving

    /// Forgets the held keys of an assignment, and what of them is not with the store.
    mutating func dropHeldKeys(_ slot: Int) {
        let epoch = states[slot].epoch
        for place in heldKeys.places(of: epoch) {
            while let number = lanes.pop(from: &heldKeys[place].pending) {
                states[slot].held.records -= 1
                states[slot].held.bytes -= lanes.entries[number].bytes
                side.reasons[number] = nil
                release(number)
            }
            heldKeys.remove(place)
        }
        side.keysToPut.keep { heldKeys.isInUse($0) }
    }

    /// Forgets what an assignment that goes still wanted of the store.
    mutating func dropMoves(of epoch: UInt64) {
        side.removals.keep { $0.epoch != epoch }
        for number in side.takeMoves(where: { lanes.entries[$0].epoch == epoch }) { release(number) }
    }
}
