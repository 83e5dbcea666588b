/// The timers of one loop: a hashed wheel with rounds (Varghese and Lauck 1987, scheme 6), so that setting, cancelling
/// and firing cost the same with ten timers and with a hundred thousand.
///
/// Times are milliseconds on the loop's clock; a timer fires up to ``tick`` late, never early.
struct DeadlineWheel {
    /// The resolution in milliseconds.
    static let tick: UInt64 = 4
    private static let slotCount = 1024

    private var slots: [[EventLoopTimer]] = Array(repeating: [], count: slotCount)
    /// One bit for each slot that holds timers.
    private var occupied: [UInt64] = Array(repeating: 0, count: slotCount / 64)
    /// Everything up to and with this tick has fired.
    private var position: UInt64 = 0
    private var count = 0

    /// Adds a timer; returns when the loop must look for it.
    mutating func insert(_ timer: EventLoopTimer, now: UInt64) -> UInt64 {
        if count == 0 { position = now / Self.tick }
        let due = max((timer.deadline + Self.tick - 1) / Self.tick, position + 1)
        let slot = Int(due) & (Self.slotCount - 1)
        slots[slot].append(timer)
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
        count += 1
        return due * Self.tick
    }

    /// When the loop must look again: the next slot that holds anything, be it for a later round; nil without timers.
    var nextDeadline: UInt64? {
        if count == 0 { return nil }
        for distance in 1...UInt64(Self.slotCount) {
            let slot = Int(position + distance) & (Self.slotCount - 1)
            if occupied[slot >> 6] == 0 { continue }
            if occupied[slot >> 6] & (1 << UInt64(slot & 63)) != 0 { return (position + distance) * Self.tick }
        }
        return nil
    }

    /// Moves the wheel and returns what is due, in the order of the slots.
    mutating func advance(to now: UInt64) -> [EventLoopTimer] {
        let target = now / Self.tick
        guard target > position, count > 0 else { return [] }
        var due: [EventLoopTimer] = []
        for distance in 1...min(target - position, UInt64(Self.slotCount)) {
            let slot = Int(position + distance) & (Self.slotCount - 1)
            guard occupied[slot >> 6] & (1 << UInt64(slot & 63)) != 0 else { continue }
            let waiting = slots[slot]
            slots[slot] = waiting.filter { ($0.deadline + Self.tick - 1) / Self.tick > target }
            if slots[slot].isEmpty { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
            due += waiting.filter { ($0.deadline + Self.tick - 1) / Self.tick <= target }
            count -= waiting.count - slots[slot].count
        }
        position = target
        return due
    }

    mutating func removeAll() { self = DeadlineWheel() }
}
