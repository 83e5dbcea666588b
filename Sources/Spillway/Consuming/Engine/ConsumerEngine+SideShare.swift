import SpillwayCore

/// Whom the side queue's share of what may be in flight is for: records that can run. One that waits in a parked lane, or
/// behind a handler that takes long, is in the store as well, so it waits there as soon as the share is tight. Else a few
/// keys that fail, and which the budget keeps where they are, or one whose handler never returns, would hold the whole
/// share, and nothing of any other key would come back.
extension ConsumerEngine {
    /// How long a turn may take before what waits behind it has to make room.
    private static var longTurn: Duration { .seconds(1) }

    /// True if more than half of the share is held: what can't run may not take the other half.
    private var isSideShareTight: Bool {
        let share = settings.sideShare
        return sideHeld.records > 0 && (sideHeld.records * 2 > share.records || sideHeld.bytes * 2 > share.bytes)
    }

    /// The record at the front of a running lane is tried again at a time, and with it those behind it that were with the
    /// worker.
    ///
    /// - Parameters:
    ///   - count: how many come back from the worker, with the first.
    ///   - move: where the first was to go, if the budget did not allow it.
    mutating func wait(
        _ lane: Int, _ number: Int, _ count: Int, until instant: MonotonicInstant, _ move: Move? = nil,
        now: MonotonicInstant
    ) {
        if lanes.entries.side(number) != nil, isSideShareTight {
            return goBack(lane, number, count, until: instant, move, now: now)
        }
        countRetries(count, from: number)
        lanes.park(lane, until: instant)
        if isSideShareTight { unloadFollowers(of: lane) }
    }

    /// A record of the side queue is tried again from there.
    private mutating func goBack(
        _ lane: Int, _ number: Int, _ count: Int, until instant: MonotonicInstant, _ move: Move?,
        now: MonotonicInstant
    ) {
        let entry = lanes.entries[number]
        let back = Move(
            entry.side == .held ? .hold(until: instant) : .delay(until: instant), reason: move?.reason ?? "")
        if back.holdsKey(of: entry, order: settings.order) {
            countRetries(count, from: number)
            hold(lane, number, back, now: now)
        } else {
            // What was with the worker behind it was not to count.
            countRetries(count - 1, from: number)
            self.move(number, of: lane, back)
            lanes.endTurn(of: lane, now: now)
        }
        side.reasons[number]?.isRound = move != nil
    }

    /// Has what waits behind long turns make room.
    mutating func unloadBehindLongTurns(now: MonotonicInstant) {
        guard let instant = nextUnloading, instant <= now else { return }
        side.noUnloadingBefore = now + Self.lookInterval
        for lane in lanes.turns(before: now - Self.longTurn) { unloadFollowers(of: lane) }
    }

    /// Forgets what of the side queue waits behind the first record of a lane; it is loaded again when it can run.
    private mutating func unloadFollowers(of lane: Int) {
        for number in lanes.takeLoaded(from: lane) { unload(number) }
    }

    /// When turns that take long are looked for next.
    var nextUnloading: MonotonicInstant? { isSideShareTight ? side.noUnloadingBefore : nil }

    /// Until when nothing that joins a lane is handled, as far as can be told; `nil` if it may be soon.
    private func standstill(of lane: Int, now: MonotonicInstant) -> MonotonicInstant? {
        if lanes[lane].state == .parked { return lanes[lane].parkedUntil }
        guard let start = lanes.turnStart(of: lane), start + Self.longTurn <= now else { return nil }
        // As long again as it has taken, so that one that never ends is met less and less often.
        return now + (now - start)
    }

    /// Puts a delayed record back, for as long as its key's lane stands still, and for a while at least.
    ///
    /// - Returns: false if it may wait here.
    mutating func postpone(_ number: Int, hash: UInt64, reason: String, now: MonotonicInstant) -> Bool {
        let entry = lanes.entries[number]
        guard isSideShareTight, let lane = lanes.lane(hash, epoch: entry.epoch, key: entry.record.key),
            let end = standstill(of: lane, now: now)
        else { return false }
        let until = max(end, now + Self.lookInterval)
        side.reasons[number] = SideTraffic.Reason(
            move: Move(.delay(until: until), reason: reason), place: nil, isRound: false)
        side.moves.append(number)
        states[entry.slot].side.operations += 1
        return true
    }
}
