/// What of one partition has been received and is not finished yet, and what may be committed.
///
/// Only positions that were received are tracked, so gaps that compaction or transaction markers leave need no care.
/// The commit is the lowest unfinished position; with nothing unfinished it is the successor of the last one received,
/// never of the highest one *seen* elsewhere (FAILURES 1). A record's place is a number that is never used twice in
/// one window, so that a stale completion can't hit another record (FAILURES 2).
struct AckWindow: Sendable {
    private struct Slot: Sendable {
        var position: Position
        var timestampMs: Int64
        var isFinished: Bool
    }

    private var slots = Ring<Slot>()
    /// The place of the front slot.
    private var base: UInt64 = 0
    private var lastReceived: Position?
    private var finishedCount = 0
    /// Where delivery began.
    let start: Position

    init(start: Position) { self.start = start }

    /// How many received positions are kept: the unfinished ones, and finished ones behind an unfinished one.
    var trackedCount: Int { slots.count }
    var unfinishedCount: Int { slots.count - finishedCount }

    /// The position to read next after a restart: everything before it is finished.
    var commitPosition: Position { slots.first?.position ?? lastReceived?.successor ?? start }

    /// When the lowest unfinished record happened, for lag in seconds.
    var oldestTimestampMs: Int64? { slots.first?.timestampMs }

    /// Tracks a position; `nil` if it isn't after everything received before, which is a repeat.
    mutating func receive(_ position: Position, timestampMs: Int64) -> UInt64? {
        if position < start { return nil }
        if let lastReceived, position <= lastReceived { return nil }
        lastReceived = position
        slots.append(Slot(position: position, timestampMs: timestampMs, isFinished: false))
        return base + UInt64(slots.count - 1)
    }

    /// Finishes the record at a place; false if it has been finished before or was never received.
    mutating func finish(_ place: UInt64) -> Bool {
        guard place >= base, place - base < UInt64(slots.count) else { return false }
        let offset = Int(place - base)
        guard !slots[offset].isFinished else { return false }
        slots[offset].isFinished = true
        finishedCount += 1
        while let front = slots.first, front.isFinished {
            _ = slots.popFirst()
            base += 1
            finishedCount -= 1
        }
        return true
    }

    /// What is finished above the commit, as closed ranges of positions in ascending order, at most so many.
    func finishedRanges(limit: Int) -> [ClosedRange<Position>] {
        guard finishedCount > 0, limit > 0 else { return [] }
        var ranges: [ClosedRange<Position>] = []
        var open: ClosedRange<Position>?
        for offset in 0..<slots.count {
            let slot = slots[offset]
            if slot.isFinished {
                open = (open?.lowerBound ?? slot.position)...slot.position
            } else if let range = open {
                ranges.append(range)
                open = nil
                if ranges.count == limit { return ranges }
            }
        }
        if let open { ranges.append(open) }
        return ranges
    }
}
