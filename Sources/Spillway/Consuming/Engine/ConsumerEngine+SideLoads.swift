package import SpillwayCore

/// Records that come back from the failure store.
extension ConsumerEngine {
    /// The most records of one held key that are loaded at a time.
    private static var loadRecords: Int { 256 }
    /// The most reads of one set, beside those of keys that waited for something else.
    private static var maxLoads: Int { 64 }
    /// How often delayed entries are looked for that somebody else may have put there.
    static var lookInterval: Duration { .seconds(1) }
    /// The longest time between two looks for what of a held key is due.
    static var heldLookInterval: Duration { .seconds(60) }

    /// What to read of the failure store, to be answered with ``sideLoaded(_:_:now:wallMs:)``; one set is under way at a
    /// time.
    package mutating func takeSideLoads(now: MonotonicInstant, wallMs: Int64) -> [SideLoad]? {
        guard settings.usesFailureStore else { return nil }
        unloadBehindLongTurns(now: now)
        guard !side.isReading, side.noReadBefore <= now else { return nil }
        guard hasSideRoom else { return nil }
        let share = settings.sideShare
        var room = SideRoom(records: share.records - sideHeld.records, bytes: share.bytes - sideHeld.bytes)
        var loads: [SideLoad] = []
        // Both take as much room as there is: each is first every other time.
        side.looksFirst.toggle()
        if side.looksFirst { lookForDelayed(&loads, room: &room, now: now, wallMs: wallMs) }
        loadHeld(&loads, room: &room, now: now)
        if !side.looksFirst { lookForDelayed(&loads, room: &room, now: now, wallMs: wallMs) }
        guard !loads.isEmpty else { return nil }
        side.isReading = true
        return loads
    }

    /// True if the side queue's share has room for one record more: the last one may pass the limit in bytes.
    private var hasSideRoom: Bool {
        let share = settings.sideShare
        return sideHeld.records < share.records && sideHeld.bytes < share.bytes
    }

    private mutating func lookForDelayed(
        _ loads: inout [SideLoad], room: inout SideRoom, now: MonotonicInstant, wallMs: Int64
    ) {
        let epochs = states.epochs
        // It begins behind the one that was served last: one that has much must not take all the room every time.
        let last = side.lookedLast
        for epoch in epochs.filter({ $0 > last }) + epochs.filter({ $0 <= last }) {
            guard !room.isEmpty, let slot = states.slot(of: epoch), states[slot].wantsLook(now) else { continue }
            let part = room.take(Self.loadRecords)
            side.lookedLast = epoch
            states[slot].side.isLooking = true
            states[slot].side.lookRoom = part.records
            // Entries that are in memory are handed out once more, and passed over.
            let known = states[slot].side
            loads.append(
                .delayed(
                    group: settings.group, partition: states[slot].partition, dueByMs: wallMs,
                    limit: part.records + known.inMemory.count, maxBytes: part.bytes + known.inMemoryBytes,
                    epoch: epoch))
        }
    }

    private mutating func loadHeld(_ loads: inout [SideLoad], room: inout SideRoom, now: MonotonicInstant) {
        for place in heldKeys.takeWaiting() {
            if let load = load(place, room: &room, now: now) { loads.append(load) }
        }
        while loads.count < Self.maxLoads, let place = heldKeys.popDue(now) {
            if let load = load(place, room: &room, now: now) { loads.append(load) }
        }
    }

    private mutating func load(_ place: Int, room: inout SideRoom, now: MonotonicInstant) -> SideLoad? {
        guard heldKeys.isInUse(place) else { return nil }
        if heldKeys[place].isEmptyInStore {
            settleHeldKey(place, now: now)
            return nil
        }
        guard !heldKeys[place].isLoading, !heldKeys[place].isUpdating,
            let slot = states.slot(of: heldKeys[place].epoch), states[slot].phase == .active
        else { return nil }
        if heldKeys[place].dueAt > now {
            heldKeys.schedule(place)
            return nil
        }
        takeBack(place, now: now)
        let (key, state) = (heldKeys[place], states[slot])
        guard key.unloaded > 0, key.loaded == 0, let from = key.loadFrom else { return nil }
        guard !room.isEmpty, !state.isPausedByUser, !hasEarlierToPut(key),
            lanes.lane(key.hash, epoch: key.epoch, key: key.key[...]) == nil, hasReached(from, slot),
            mayTakeFirst(of: key, slot), hasCommittedLane(of: place, slot, now: now)
        else {
            heldKeys.wait(place)
            return nil
        }
        let part = room.take(Self.loadRecords)
        heldKeys[place].isLoading = true
        heldKeys[place].putWhileLoading = nil
        heldKeys[place].waitsFor = nil
        return .held(
            group: settings.group, partition: state.partition, key: key.key, from: from, limit: part.records,
            maxBytes: part.bytes, place: place, epoch: key.epoch)
    }

    /// False if the first record of a key that the store has was read, and might not be taken, for a reason that holds
    /// still.
    private func mayTakeFirst(of key: HeldKeys.Key, _ slot: Int) -> Bool {
        guard let first = key.waitsFor else { return true }
        return hasPassed(first, slot) && firstToPut(key).map { $0 > first } ?? true
    }

    /// Lets records go on here for which the store has no room, and for which those in the store wait, if there are any.
    private mutating func takeBack(_ place: Int, now: MonotonicInstant) {
        guard side.isPutFull, heldKeys[place].writing == 0 else { return }
        while hasEarlierToPut(heldKeys[place]) || !heldKeys[place].hasStored,
            !heldKeys[place].isUnsure || heldKeys[place].isFirstAbsent,
            let number = lanes.pop(from: &heldKeys[place].pending)
        {
            heldKeys[place].isFirstAbsent = false
            side.reasons[number] = nil
            heldKeys[place].followsLane = true
            lanes.place(number, hash: heldKeys[place].hash, now: now)
        }
    }

    /// True if a commit covers what of a key went through its lane ahead of what is in the store. Else it might come again
    /// after a crash, without the later ones, and have the last word.
    private mutating func hasCommittedLane(of place: Int, _ slot: Int, now: MonotonicInstant) -> Bool {
        guard sendsHints, heldKeys[place].followsLane else { return true }
        let state = states[slot]
        let commit = heldKeys[place].loadsAfterCommit ?? state.commitsTaken + (state.finishedSinceCommit > 0 ? 1 : 0)
        guard state.commitStored < commit else {
            heldKeys[place].followsLane = false
            heldKeys[place].loadsAfterCommit = nil
            return true
        }
        if heldKeys[place].loadsAfterCommit == nil { nextCommitAt = min(nextCommitAt ?? now, max(now, noCommitBefore)) }
        heldKeys[place].loadsAfterCommit = commit
        return false
    }

    /// True if records that come before those in the store may still be on their way there.
    private func hasEarlierToPut(_ key: HeldKeys.Key) -> Bool {
        guard let first = firstToPut(key), let from = key.loadFrom else { return false }
        return first < from
    }

    /// The first position that is still on its way to the store.
    private func firstToPut(_ key: HeldKeys.Key) -> Position? {
        let pending = key.pending.isEmpty ? nil : lanes.entries[key.pending.first].record.position
        return [pending, key.writingFrom].compactMap { $0 }.min()
    }

    /// Takes the answers to reads; `nil` for one that failed.
    package mutating func sideLoaded(
        _ loads: [SideLoad], _ answers: [SideLoaded?], now: MonotonicInstant, wallMs: Int64
    ) {
        side.isReading = false
        for (load, answer) in zip(loads, answers) {
            if answer == nil { side.noReadBefore = now + SideTraffic.readPause }
            switch load {
            case .held(_, _, _, _, _, _, let place, let epoch):
                loadedHeld(place, epoch, answer, now: now, wallMs: wallMs)
            case .delayed(_, _, _, let limit, let maxBytes, let epoch):
                loadedDelayed(epoch, answer, limit: limit, maxBytes: maxBytes, now: now, wallMs: wallMs)
            }
        }
    }

    private mutating func loadedHeld(
        _ place: Int, _ epoch: UInt64, _ answer: SideLoaded?, now: MonotonicInstant, wallMs: Int64
    ) {
        guard heldKeys.isLive(place, epoch), let slot = states.slot(of: epoch), states[slot].phase == .active else {
            return
        }
        heldKeys[place].isLoading = false
        guard let answer else { return heldKeys.wait(place) }
        guard let first = answer.entries.first else {
            if heldKeys[place].putWhileLoading != nil { return heldKeys.wait(place) }
            // Somebody has discarded them.
            heldKeys[place].unloaded = 0
            return settleHeldKey(place, now: now)
        }
        if first.dueMs > wallMs {
            // Looked at again soon: a clock that has stepped back may step forth, too.
            heldKeys[place].dueAt = now + min(.milliseconds(first.dueMs - wallMs), Self.heldLookInterval)
            return heldKeys.schedule(place)
        }
        // What stands before others in the store, and is still on its way there or has not come again from the log, goes
        // first.
        let key = heldKeys[place]
        let limit = [firstToPut(key), key.putWhileLoading].compactMap { $0 }.min()
        let entries = answer.entries.prefix { entry in
            entry.dueMs <= wallMs && hasPassed(entry.name.position, slot)
                && limit.map { entry.name.position < $0 } ?? true
        }
        guard !entries.isEmpty else {
            if key.putWhileLoading == nil {
                heldKeys[place].loadFrom = first.name.position
                heldKeys[place].waitsFor = first.name.position
            }
            return heldKeys.wait(place)
        }
        var count = 0
        for entry in entries {
            guard hasSideRoom else { break }
            take(entry, .held, slot, now: now)
            heldKeys[place].loadFrom = entry.name.position.successor
            count += 1
        }
        if count == 0 { return heldKeys.wait(place) }
        heldKeys[place].loaded += count
        heldKeys[place].unloaded = max(0, heldKeys[place].unloaded - count)
    }

    private mutating func loadedDelayed(
        _ epoch: UInt64, _ answer: SideLoaded?, limit: Int, maxBytes: Int, now: MonotonicInstant, wallMs: Int64
    ) {
        guard let slot = states.slot(of: epoch) else { return }
        states[slot].side.isLooking = false
        defer { states[slot].side.leftDuringLook.removeAll() }
        guard let answer, states[slot].phase == .active else { return }
        // More may be new than was asked for: what was in memory may have left the store since.
        let (inMemory, left) = (states[slot].side.inMemory, states[slot].side.leftDuringLook)
        let found = answer.entries.filter { entry in
            inMemory[entry.name.position] == nil && !left.contains(entry.name.position)
        }
        var count = 0
        for entry in found.prefix(states[slot].side.lookRoom) {
            guard hasSideRoom else { break }
            states[slot].side.enter(entry.name.position, bytes: entry.byteCount)
            take(entry, .delayed, slot, now: now)
            count += 1
        }
        let bytes = answer.entries.reduce(0) { $0 + $1.byteCount }
        if answer.entries.count >= limit || bytes >= maxBytes || found.count > count {
            states[slot].side.nextLook = now
        } else {
            let next = answer.nextDueMs.map { now + .milliseconds(max(1, $0 - wallMs)) } ?? .distantFuture
            states[slot].side.nextLook = min(next, now + Self.lookInterval)
        }
    }

    /// A record from the side queue joins its key's lane.
    private mutating func take(_ entry: SideEntry, _ mode: SideEntry.Mode, _ slot: Int, now: MonotonicInstant) {
        var record = LaneEntry(
            record: entry.record, epoch: states[slot].epoch, slot: slot, place: nil, bytes: entry.byteCount)
        record.attempts = entry.attempts
        record.rounds = entry.rounds
        record.side = mode
        record.received = now
        sideHeld.records += 1
        sideHeld.bytes += record.bytes
        let hash = lanes.hash(of: entry.record, epoch: record.epoch)
        let number = lanes.add(record)
        if mode == .delayed, let hash, postpone(number, hash: hash, reason: entry.reason, now: now) { return }
        counters.returned += 1
        lanes.place(number, hash: hash, now: now)
    }

    /// When the side queue wants something next; later than now.
    func nextSideEvent(now: MonotonicInstant) -> MonotonicInstant? {
        guard settings.usesFailureStore else { return nil }
        var instants = [side.nextTry(now: now), nextUnloading]
        if !side.isReading {
            instants.append(side.noReadBefore)
            if hasSideRoom {
                instants.append(heldKeys.due.nextDue)
                instants += states.all.filter { $0.phase == .active && !$0.side.isLooking }.map { $0.side.nextLook }
            }
        }
        return instants.compactMap { $0 }.filter { $0 > now }.min()
    }
}

extension PartitionState {
    /// True if it is time to look for its delayed entries, and nobody does.
    fileprivate func wantsLook(_ now: MonotonicInstant) -> Bool {
        phase == .active && !side.isLooking && side.nextLook <= now && !isPausedByUser
    }
}
