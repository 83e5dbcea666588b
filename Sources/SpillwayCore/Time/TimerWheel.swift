/// Timers in a hierarchical timing wheel: scheduling, cancelling and expiring are O(1) in the number of timers.
///
/// Scheme 7 of Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (SOSP 1987,
/// https://doi.org/10.1145/41457.37504), with a bitmap a level, so that empty slots cost nothing (as in William
/// Ahern's timeout.c). A level has 64 slots; a timer stands on the level of the highest group of six bits in which its
/// tick differs from the present one, and moves down at most once a level as its time comes near.
///
/// It has no clock and no thread: its owner calls ``advance(to:)``, and sleeps until ``nextDeadline`` in between.
public struct TimerWheel<Value> {
    /// Names a timer; after it has expired or was cancelled the token means nothing.
    public struct Token: Hashable, Sendable {
        @usableFromInline var index: Int32
        @usableFromInline var generation: UInt32

        @inlinable
        init(index: Int32, generation: UInt32) {
            self.index = index
            self.generation = generation
        }
    }

    @inlinable static var bits: UInt64 { 6 }
    /// Eleven groups of six bits hold every tick, so that no timer is too far away.
    @inlinable static var levels: Int { 11 }
    @inlinable static var none: Int32 { -1 }
    /// The list of timers that were due when they were scheduled, after those of all slots.
    @inlinable static var dueList: Int { levels * 64 }

    @usableFromInline
    struct Node {
        @usableFromInline var value: Value?
        @usableFromInline var tick: UInt64 = 0
        @usableFromInline var list: Int32 = -1
        @usableFromInline var previous: Int32 = -1
        @usableFromInline var next: Int32 = -1
        @usableFromInline var generation: UInt32 = 0

        @inlinable
        init() {}
    }

    @usableFromInline let tickNanoseconds: UInt64
    @usableFromInline var elapsed: UInt64
    @usableFromInline var nodes: [Node] = []
    @usableFromInline var free: Int32 = -1
    @usableFromInline var heads: [Int32]
    @usableFromInline var tails: [Int32]
    @usableFromInline var occupied: [UInt64]
    @usableFromInline var scheduled = 0

    /// How many timers are scheduled.
    @inlinable
    public var count: Int { scheduled }

    /// Makes an empty wheel.
    ///
    /// - Parameters:
    ///   - now: The present.
    ///   - tick: The resolution; at least 1 ns, default 1 ms. Timers expire up to one tick late, never early.
    @inlinable
    public init(now: MonotonicInstant, tick: Duration = .milliseconds(1)) {
        precondition(tick.wholeNanoseconds >= 1, "a tick is at least one nanosecond")
        tickNanoseconds = UInt64(tick.wholeNanoseconds)
        elapsed = now.nanoseconds / tickNanoseconds
        heads = Array(repeating: Self.none, count: Self.dueList + 1)
        tails = heads
        occupied = Array(repeating: 0, count: Self.levels)
    }

    /// True if no timer is scheduled.
    @inlinable
    public var isEmpty: Bool { scheduled == 0 }

    /// Schedules a timer; one whose time has passed expires at the next ``advance(to:)``.
    @inlinable
    public mutating func schedule(_ value: Value, at deadline: MonotonicInstant) -> Token {
        let index = allocate()
        nodes[Int(index)].value = value
        nodes[Int(index)].tick = tick(for: deadline)
        place(index)
        scheduled += 1
        return Token(index: index, generation: nodes[Int(index)].generation)
    }

    /// Takes a timer away.
    ///
    /// - Returns: Its value; nil if it has expired or was cancelled before.
    @discardableResult @inlinable
    public mutating func cancel(_ token: Token) -> Value? {
        guard isScheduled(token) else { return nil }
        unlink(token.index)
        return release(token.index)
    }

    /// Moves a timer to another time; cheaper than cancelling and scheduling.
    ///
    /// - Returns: False if it has expired or was cancelled before.
    @discardableResult @inlinable
    public mutating func reschedule(_ token: Token, at deadline: MonotonicInstant) -> Bool {
        guard isScheduled(token) else { return false }
        unlink(token.index)
        nodes[Int(token.index)].tick = tick(for: deadline)
        place(token.index)
        return true
    }

    /// True if the timer has neither expired nor been cancelled.
    @inlinable
    public func isScheduled(_ token: Token) -> Bool {
        let index = Int(token.index)
        return index < nodes.count && nodes[index].generation == token.generation && nodes[index].list != Self.none
    }

    /// When to call ``advance(to:)`` next; nil if there is no timer. It may be earlier than the first timer, never
    /// later than that timer's tick.
    @inlinable
    public var nextDeadline: MonotonicInstant? {
        if heads[Self.dueList] != Self.none { return instant(of: elapsed) }
        return nextSlot().map { instant(of: $0.tick) }
    }

    /// Moves the present on and takes out what is due, in the order of ticks; within a tick no order is promised.
    /// A present before the last one changes nothing.
    @inlinable
    public mutating func advance(to now: MonotonicInstant) -> [Value] {
        var expired: [Value] = []
        advance(to: now) { expired.append($0) }
        return expired
    }

    /// As ``advance(to:)``, without an array.
    @inlinable
    public mutating func advance(to now: MonotonicInstant, expire: (Value) -> Void) {
        let target = max(elapsed, now.nanoseconds / tickNanoseconds)
        drain(Self.dueList, expire)
        while let slot = nextSlot(), slot.tick <= target {
            elapsed = slot.tick
            drain(slot.list, expire)
        }
        elapsed = target
    }
}

extension TimerWheel: Sendable where Value: Sendable {}
extension TimerWheel.Node: Sendable where Value: Sendable {}

extension TimerWheel {
    @inlinable
    func instant(of tick: UInt64) -> MonotonicInstant {
        let (nanoseconds, overflow) = tick.multipliedReportingOverflow(by: tickNanoseconds)
        return overflow ? .distantFuture : MonotonicInstant(nanoseconds: nanoseconds)
    }

    /// The first tick that is not before the deadline.
    @inlinable
    func tick(for deadline: MonotonicInstant) -> UInt64 {
        let (quotient, remainder) = deadline.nanoseconds.quotientAndRemainder(dividingBy: tickNanoseconds)
        return remainder == 0 ? quotient : quotient + 1
    }

    /// The next slot with timers and the tick at which it is reached. On each level the occupied slots lie after the
    /// present one, and those of lower levels come before those of higher ones.
    @inlinable
    func nextSlot() -> (list: Int, tick: UInt64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let slot = UInt64(occupied[level].trailingZeroBitCount)
            let shift = Self.bits * UInt64(level)
            let above = shift + Self.bits
            let start = ((elapsed >> above) << above) | (slot << shift)
            return (level * 64 + Int(slot), start)
        }
        return nil
    }

    /// Empties a list: what is due goes out, the rest moves to a lower level.
    @inlinable
    mutating func drain(_ list: Int, _ expire: (Value) -> Void) {
        var index = heads[list]
        heads[list] = Self.none
        tails[list] = Self.none
        if list < Self.dueList { occupied[list / 64] &= ~(1 << UInt64(list % 64)) }
        while index != Self.none {
            let next = nodes[Int(index)].next
            if nodes[Int(index)].tick <= elapsed {
                nodes[Int(index)].list = Self.none
                if let value = release(index) { expire(value) }
            } else {
                place(index)
            }
            index = next
        }
    }

    /// Appends a node to the list that its tick asks for.
    @inlinable
    mutating func place(_ index: Int32) {
        let tick = nodes[Int(index)].tick
        var list = Self.dueList
        if tick > elapsed {
            let level = (63 - UInt64((elapsed ^ tick).leadingZeroBitCount)) / Self.bits
            let slot = (tick >> (Self.bits * level)) & 63
            list = Int(level * 64 + slot)
            occupied[Int(level)] |= 1 << slot
        }
        let tail = tails[list]
        nodes[Int(index)].list = Int32(list)
        nodes[Int(index)].previous = tail
        nodes[Int(index)].next = Self.none
        if tail == Self.none { heads[list] = index } else { nodes[Int(tail)].next = index }
        tails[list] = index
    }

    @inlinable
    mutating func unlink(_ index: Int32) {
        let node = nodes[Int(index)]
        let list = Int(node.list)
        if node.previous == Self.none { heads[list] = node.next } else { nodes[Int(node.previous)].next = node.next }
        if node.next == Self.none {
            tails[list] = node.previous
        } else {
            nodes[Int(node.next)].previous = node.previous
        }
        if heads[list] == Self.none && list < Self.dueList { occupied[list / 64] &= ~(1 << UInt64(list % 64)) }
        nodes[Int(index)].list = Self.none
    }

    @inlinable
    mutating func allocate() -> Int32 {
        if free != Self.none {
            let index = free
            free = nodes[Int(index)].next
            return index
        }
        precondition(nodes.count < Int(Int32.max), "too many timers")
        nodes.append(Node())
        return Int32(nodes.count - 1)
    }

    @inlinable
    mutating func release(_ index: Int32) -> Value? {
        let value = nodes[Int(index)].value
        nodes[Int(index)].value = nil
        nodes[Int(index)].list = Self.none
        nodes[Int(index)].generation &+= 1
        nodes[Int(index)].next = free
        free = index
        scheduled -= 1
        return value
    }
}
