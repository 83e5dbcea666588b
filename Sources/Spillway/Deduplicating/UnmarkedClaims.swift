import SpillwayCore

/// Claims of events that took effect and could not be marked: when such an event comes again only its mark is tried.
///
/// It is bounded in time and in number, since records whose partition has gone don't come again; beyond either the oldest
/// go first.
struct UnmarkedClaims: Sendable {
    private struct Entry: Sendable {
        var claim: EventClaim
        /// Grows with each that is kept.
        var number: UInt64
    }

    private struct Place: Sendable {
        var id: EventID
        var number: UInt64
        var until: MonotonicInstant
    }

    private let life: Duration
    private let limit: Int
    private var entries: [EventID: Entry] = [:]
    /// In the order in which they were kept; most of them have been taken.
    private var order = Deque<Place>()
    private var lastNumber: UInt64 = 0

    /// Keeps nothing yet; a claim for so long, and so many.
    init(life: Duration, limit: Int) {
        self.life = life
        self.limit = limit
    }

    var count: Int { entries.count }

    /// How many places the order takes.
    var places: Int { order.count }

    mutating func keep(_ claim: EventClaim, now: MonotonicInstant) {
        lastNumber += 1
        entries[claim.id] = Entry(claim: claim, number: lastNumber)
        order.append(Place(id: claim.id, number: lastNumber, until: now + life))
        while entries.count > limit, let oldest = order.popFirst() { forget(oldest) }
        if order.count > 2 * entries.count + 64 { dropTaken() }
    }

    mutating func take(_ id: EventID, now: MonotonicInstant) -> EventClaim? {
        if entries.isEmpty { return nil }
        while let oldest = order.first, oldest.until <= now {
            _ = order.popFirst()
            forget(oldest)
        }
        return entries.removeValue(forKey: id)?.claim
    }

    private mutating func forget(_ place: Place) {
        if entries[place.id]?.number == place.number { entries[place.id] = nil }
    }

    private mutating func dropTaken() {
        var live = Deque<Place>()
        while let place = order.popFirst() {
            if entries[place.id]?.number == place.number { live.append(place) }
        }
        order = live
    }
}
