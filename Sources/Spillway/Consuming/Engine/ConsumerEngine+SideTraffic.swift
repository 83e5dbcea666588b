package import SpillwayCore

/// Calls to the failure store, and their ends.
extension ConsumerEngine {
    /// Operations for the failure store, all or none, to be answered with ``sideWritesEnded(_:now:)``; one call is under
    /// way at a time.
    package mutating func takeSideWrites(now: MonotonicInstant, wallMs: Int64) -> SideWrites? {
        guard let kind = side.nextKind(now: now) else { return nil }
        var items: [SideTraffic.UnderWay] = []
        var operations: [FailureOperation] = []
        switch kind {
        case .remove:
            while operations.count < side.mostOperations(.remove), let removal = side.removals.popFirst() {
                items.append(.removal(removal))
                operations.append(.remove(removal.name))
            }
        case .put: collectPuts(&items, &operations, now: now, wallMs: wallMs)
        case .bury:
            var bytes = 0
            while operations.count < side.mostOperations(.bury), bytes < SideTraffic.maxBytes,
                let number = side.burials.popFirst()
            {
                items.append(.move(number))
                operations.append(.bury(letter(number, wallMs: wallMs)))
                bytes += lanes.entries[number].bytes
            }
        }
        side.begin(kind, items)
        var generations: [TopicPartition: UInt64] = [:]
        for state in states.all where state.side.operations > 0 { generations[state.partition] = state.generation }
        return SideWrites(operations: operations, generations: generations)
    }

    private mutating func collectPuts(
        _ items: inout [SideTraffic.UnderWay], _ operations: inout [FailureOperation], now: MonotonicInstant,
        wallMs: Int64
    ) {
        var bytes = 0
        func hasRoom() -> Bool { operations.count < side.mostOperations(.put) && bytes < SideTraffic.maxBytes }
        func putMoves() {
            while hasRoom(), let number = side.moves.popFirst() {
                items.append(.move(number))
                operations.append(.put(sideEntry(number, now: now, wallMs: wallMs)))
                bytes += lanes.entries[number].bytes
            }
        }
        if !side.putsKeysFirst { putMoves() }
        while hasRoom(), let place = side.keysToPut.popFirst() {
            guard heldKeys.isInUse(place), heldKeys[place].isQueued else { continue }
            heldKeys[place].isQueued = false
            if heldKeys[place].pending.isEmpty { continue }
            heldKeys[place].isFirstAbsent = false
            var list = EntryList()
            while hasRoom(), let number = lanes.pop(from: &heldKeys[place].pending) {
                let entry = sideEntry(number, now: now, wallMs: wallMs)
                // What comes again from the log is there already, with its attempts, or it is not.
                operations.append(side.reasons[number] == nil ? .putIfAbsent(entry) : .put(entry))
                bytes += lanes.entries[number].bytes
                lanes.append(number, to: &list)
            }
            heldKeys[place].writing += list.count
            heldKeys[place].writingFrom = lanes.entries[list.first].record.position
            states[heldKeys[place].slot].side.operations += list.count
            items.append(.held(place: place, epoch: heldKeys[place].epoch, list))
            if !heldKeys[place].pending.isEmpty {
                heldKeys[place].isQueued = true
                side.keysToPut.append(place)
            }
        }
        putMoves()
    }

    private func sideEntry(_ number: Int, now: MonotonicInstant, wallMs: Int64) -> SideEntry {
        let entry = lanes.entries[number]
        let reason = side.reasons[number]
        var mode = SideEntry.Mode.held
        var due = now
        switch reason?.move.destination {
        case .delay(let until):
            mode = .delayed
            due = until
        case .hold(let until):
            mode = reason?.move.holdsKey(of: entry, order: settings.order) == true ? .held : .delayed
            due = until
        case .deadLetter, nil: break
        }
        let wait = max(0, Int64((due - now).wholeNanoseconds / 1_000_000))
        return SideEntry(
            name: name(of: entry), mode: mode, dueMs: wallMs + wait, attempts: entry.attempts,
            rounds: entry.rounds + (reason?.isRound == true ? 1 : 0), reason: reason?.move.reason ?? "",
            record: entry.record)
    }

    private func letter(_ number: Int, wallMs: Int64) -> DeadLetter {
        let entry = lanes.entries[number]
        return DeadLetter(
            name: name(of: entry), record: entry.record, reason: side.reasons[number]?.move.reason ?? "",
            attempts: entry.attempts, failedAtMs: wallMs)
    }

    private func name(of entry: LaneEntry) -> RecordName {
        // A record that did not come through the log has no position of its own. It takes the first place, and would share
        // its name with a record that stands there.
        RecordName(
            group: settings.group, partition: states[entry.slot].partition, position: entry.record.position ?? .start)
    }

    /// Takes the end of the operations that were taken.
    package mutating func sideWritesEnded(_ result: SideWriteResult, now: MonotonicInstant) {
        let isApplied = result == .applied
        let items = side.end(succeeded: isApplied, full: result == .full, now: now)
        if !isApplied { counters.failedMoves += 1 }
        // Removals that failed go back to the front of their queue, in order: of a key whose later record has gone before an
        // earlier one, the earlier one would come again after a crash, and have the last word. Of the others each goes
        // behind the rest: one that always fails must not stand before them.
        let goesToFront = if case .removal = items.first { !isApplied } else { false }
        for item in goesToFront ? items.reversed() : items {
            switch item {
            case .removal(let removal): removalEnded(removal, isApplied, now: now)
            case .held(let place, let epoch, let list):
                putEnded(
                    place, epoch, list, result, isAlone: items.count == 1 && list.count == 1, now: now)
            case .move(let number): moveEnded(number, result, now: now)
            }
        }
        settleDrains(now: now)
    }

    private mutating func removalEnded(_ removal: SideTraffic.Removal, _ isApplied: Bool, now: MonotonicInstant) {
        guard let slot = states.slot(of: removal.epoch) else { return }
        guard isApplied else { return side.removals.prepend(removal) }
        states[slot].side.operations -= 1
        states[slot].side.leave(removal.name.position)
        if let place = removal.place, heldKeys.isLive(place, removal.epoch) {
            heldKeys[place].removing -= 1
            settleHeldKey(place, now: now)
        }
        settleSeek(slot, now: now)
    }

    private mutating func putEnded(
        _ place: Int, _ epoch: UInt64, _ list: EntryList, _ result: SideWriteResult, isAlone: Bool,
        now: MonotonicInstant
    ) {
        var list = list
        let isKept = heldKeys.isLive(place, epoch)
        guard let slot = states.slot(of: epoch) else {
            while let number = lanes.pop(from: &list) { forgetMove(number) }
            return
        }
        states[slot].side.operations -= list.count
        if isKept {
            heldKeys[place].writing -= list.count
            heldKeys[place].writingFrom = nil
        }
        if result != .applied {
            guard isKept else {
                while let number = lanes.pop(from: &list) {
                    giveUpHolding(number, slot)
                    forgetMove(number)
                }
                return settleSeek(slot, now: now)
            }
            let number = list.first
            putBack(list, place)
            // A store that is full has written nothing for sure, and the key may go on here when it is due.
            if result == .full {
                // It was refused alone, so it is not there from an earlier try either.
                heldKeys[place].isFirstAbsent = isAlone && heldKeys[place].pending.first == number
                if isAlone, heldKeys[place].pending.count == 1 { heldKeys[place].isUnsure = false }
                heldKeys.schedule(place)
            } else {
                heldKeys[place].isUnsure = true
            }
            if !heldKeys[place].isQueued {
                heldKeys[place].isQueued = true
                side.keysToPut.append(place)
            }
            return
        }
        counters.moved += list.count
        if isKept, heldKeys[place].pending.isEmpty { heldKeys[place].isUnsure = false }
        while let number = lanes.pop(from: &list) {
            if isKept { notePut(lanes.entries[number].record.position, place) }
            side.reasons[number] = nil
            finish(number, now: now)
        }
        if isKept, heldKeys[place].loaded == 0 { heldKeys.schedule(place) }
        settleSeek(slot, now: now)
    }

    /// Records that were with the store stand before what has arrived since, but behind what was in the key's lane.
    private mutating func putBack(_ list: EntryList, _ place: Int) {
        func position(_ list: EntryList) -> Position? {
            list.isEmpty ? nil : lanes.entries[list.first].record.position
        }
        var pending = heldKeys[place].pending
        var merged = EntryList()
        while let next = position(pending), let first = position(list), next < first,
            let number = lanes.pop(from: &pending)
        {
            lanes.append(number, to: &merged)
        }
        lanes.append(list, to: &merged)
        lanes.append(pending, to: &merged)
        heldKeys[place].pending = merged
    }

    private mutating func notePut(_ position: Position?, _ place: Int) {
        guard let position else { return }
        heldKeys[place].unloaded += 1
        if heldKeys[place].isLoading {
            heldKeys[place].putWhileLoading = min(heldKeys[place].putWhileLoading ?? position, position)
        }
        heldKeys[place].first = min(heldKeys[place].first ?? position, position)
        if let waitsFor = heldKeys[place].waitsFor, position <= waitsFor { heldKeys[place].waitsFor = nil }
        heldKeys[place].loadFrom = min(heldKeys[place].loadFrom ?? position, position)
    }

    private mutating func giveUpHolding(_ number: Int, _ slot: Int) {
        states[slot].held.records -= 1
        states[slot].held.bytes -= lanes.entries[number].bytes
    }

    /// Forgets what of an assignment waits to be moved away: it comes again, from the log or from the side queue.
    mutating func giveUpMoves(_ slot: Int) {
        let epoch = states[slot].epoch
        for number in side.takeMoves(where: { lanes.entries[$0].epoch == epoch }) { giveUpMove(number, slot) }
    }

    private mutating func giveUpMove(_ number: Int, _ slot: Int) {
        states[slot].side.operations -= 1
        if lanes.entries.side(number) == nil { giveUpHolding(number, slot) }
        forgetMove(number)
    }

    private mutating func forgetMove(_ number: Int) {
        side.reasons[number] = nil
        release(number)
    }

    private mutating func moveEnded(_ number: Int, _ result: SideWriteResult, now: MonotonicInstant) {
        let entry = lanes.entries[number]
        guard let reason = side.reasons[number] else { preconditionFailure("what is moved has a reason") }
        guard let slot = states.slot(of: entry.epoch) else { return forgetMove(number) }
        let isBurial = reason.move.destination == .deadLetter
        guard result == .applied else {
            if states[slot].isGoingElsewhere {
                giveUpMove(number, slot)
                return settleSeek(slot, now: now)
            }
            if isBurial { side.burials.append(number) } else { side.moves.append(number) }
            return
        }
        states[slot].side.operations -= 1
        if isBurial { counters.deadLettered += 1 } else if reason.isRound { counters.moved += 1 }
        side.reasons[number] = nil
        if entry.side == nil {
            if case .delay(let until) = reason.move.destination { look(slot, at: until) }
            if case .hold(let until) = reason.move.destination { look(slot, at: until) }
            finish(number, now: now)
        } else {
            returnEnded(number, reason, now: now)
        }
        settleSeek(slot, now: now)
    }

    /// A record of the side queue was put back there, or went on to the dead letters.
    private mutating func returnEnded(
        _ number: Int, _ reason: SideTraffic.Reason, now: MonotonicInstant
    ) {
        let entry = lanes.entries[number]
        let staysHeld = entry.side == .held && reason.move.holdsKey(of: entry, order: settings.order)
        releaseSide(entry.bytes)
        lanes.forget(number)
        if !staysHeld, let position = entry.record.position {
            states[entry.slot].side.leave(position)
            switch reason.move.destination {
            case .delay(let until), .hold(let until): look(entry.slot, at: until)
            case .deadLetter: break
            }
        }
        guard let place = reason.place, heldKeys.isLive(place, entry.epoch) else { return }
        if staysHeld {
            heldKeys[place].isUpdating = false
        } else {
            heldKeys[place].removing -= 1
            if heldKeys[place].loaded == 0 { heldKeys[place].dueAt = now }
        }
        heldKeys.schedule(place)
        settleHeldKey(place, now: now)
    }

    private mutating func look(_ slot: Int, at instant: MonotonicInstant) {
        states[slot].side.nextLook = min(states[slot].side.nextLook, instant)
    }
}
