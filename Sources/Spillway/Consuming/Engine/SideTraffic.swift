import SpillwayCore

/// What an engine wants of its failure store, and has under way there: one set of operations and one set of reads at a
/// time.
///
/// Operations are of three kinds that never share a call, so that a part of the store that is full stops only what
/// needs room there: removing always works.
struct SideTraffic: Sendable {
    enum Kind: Int, Sendable, CaseIterable {
        case remove
        case put
        case bury
    }

    /// A record that left the side queue.
    struct Removal: Sendable {
        var name: RecordName
        var epoch: UInt64
        /// The held key, if it has one.
        var place: Int?
    }

    /// Something that is with the store.
    enum UnderWay: Sendable {
        case removal(Removal)
        /// Pending records of a held key.
        case held(place: Int, epoch: UInt64, EntryList)
        /// A record that was moved on its own.
        case move(Int)
    }

    /// Why a record is moved.
    struct Reason: Sendable {
        var move: Move
        /// The held key, if it has one.
        var place: Int?
        /// It was handled in vain, and not only tried again later or put back for another's sake.
        var isRound = true
    }

    var removals = Ring<Removal>()
    /// Held keys with pending records.
    var keysToPut = Ring<Int>()
    /// Records that go into the side queue on their own, or again.
    var moves = Ring<Int>()
    /// Records that go to the dead letters.
    var burials = Ring<Int>()
    var reasons: [Int: Reason] = [:]
    private(set) var underWay: [UnderWay] = []
    private(set) var kindUnderWay: Kind?
    var isReading = false
    /// In this set of reads delayed records come before those of held keys.
    var looksFirst = false
    /// The assignment whose delayed records were looked for last.
    var lookedLast: UInt64 = 0
    /// No operation of a kind before.
    private var notBefore = [MonotonicInstant](repeating: .zero, count: Kind.allCases.count)
    private var failures = [Int](repeating: 0, count: Kind.allCases.count)
    var noReadBefore = MonotonicInstant.zero
    /// Turns that take long are not looked for before.
    var noUnloadingBefore = MonotonicInstant.zero
    /// There was no room for the last put.
    private(set) var isPutFull = false
    /// In the next call records of held keys come before those that are moved on their own.
    private(set) var putsKeysFirst = false
    /// There was no room for the last burial.
    private var isBurialFull = false
    /// The side queue or the dead letters have no room.
    var isFull: Bool { isPutFull || isBurialFull }
    /// The most operations in one call, by kind: fewer after a call that failed, since there may be room for a part of
    /// it, or only one of them be at fault.
    private var mostOperations = [Int](repeating: maxOperations, count: Kind.allCases.count)

    /// The most operations and bytes in one call.
    private static let maxOperations = 2_000
    static let maxBytes = 4 << 20

    func hasSome(_ kind: Kind) -> Bool {
        switch kind {
        case .remove: !removals.isEmpty
        case .put: !keysToPut.isEmpty || !moves.isEmpty
        case .bury: !burials.isEmpty
        }
    }

    /// The kind of the next call; `nil` if there is nothing to do, or nothing may be done now.
    func nextKind(now: MonotonicInstant) -> Kind? {
        guard kindUnderWay == nil else { return nil }
        return Kind.allCases.first { hasSome($0) && notBefore[$0.rawValue] <= now }
    }

    /// When a kind that waits after a failure may be tried again.
    func nextTry(now: MonotonicInstant) -> MonotonicInstant? {
        guard kindUnderWay == nil else { return nil }
        return Kind.allCases.filter { hasSome($0) }.map { notBefore[$0.rawValue] }.filter { $0 > now }.min()
    }

    /// Takes out of the queues the moves and burials for which the predicate holds.
    mutating func takeMoves(where isTaken: (Int) -> Bool) -> [Int] {
        var taken: [Int] = []
        moves.keep { number in
            if isTaken(number) { taken.append(number) }
            return !isTaken(number)
        }
        burials.keep { number in
            if isTaken(number) { taken.append(number) }
            return !isTaken(number)
        }
        for number in taken { reasons[number] = nil }
        return taken
    }

    /// The most operations in the next call.
    func mostOperations(_ kind: Kind) -> Int { mostOperations[kind.rawValue] }

    mutating func begin(_ kind: Kind, _ items: [UnderWay]) {
        kindUnderWay = kind
        underWay = items
    }

    /// Takes the end of the call, and returns what was under way.
    mutating func end(succeeded: Bool, full: Bool, now: MonotonicInstant) -> [UnderWay] {
        guard let kind = kindUnderWay else { preconditionFailure("no call to the failure store was under way") }
        defer {
            kindUnderWay = nil
            underWay = []
        }
        if kind == .put {
            isPutFull = full
            // For either there may be room, or for some need none, where there is none for the other; and of either one
            // may be refused whatever it comes with.
            if !succeeded { putsKeysFirst.toggle() }
        }
        if kind == .bury { isBurialFull = full }
        if succeeded {
            failures[kind.rawValue] = 0
            mostOperations[kind.rawValue] = min(Self.maxOperations, mostOperations[kind.rawValue] * 2)
            // What is removed makes room.
            if kind == .remove, isPutFull { notBefore[Kind.put.rawValue] = now }
        } else {
            mostOperations[kind.rawValue] = max(1, operationsUnderWay / 2)
            // Where there is no room others have their turn, for which there may be some.
            if !full { failures[kind.rawValue] += 1 }
            notBefore[kind.rawValue] =
                now + (full ? Self.backoff.base : Self.backoff.bound(afterAttempts: failures[kind.rawValue]))
        }
        return underWay
    }

    private static let backoff = Backoff(base: .milliseconds(50), maximum: .seconds(5))

    private var operationsUnderWay: Int {
        underWay.reduce(0) { count, item in
            switch item {
            case .removal, .move: count + 1
            case .held(_, _, let list): count + list.count
            }
        }
    }

    static var readPause: Duration { .milliseconds(200) }
}

/// What to write to a failure store.
package struct SideWrites: Sendable {
    package var operations: [FailureOperation]
    /// Under which generation each partition is owned; an earlier owner's writes are refused.
    package var generations: [TopicPartition: UInt64]
}

/// What to read of a failure store.
package enum SideLoad: Sendable {
    /// The next records of a held key.
    case held(
        group: String, partition: TopicPartition, key: [UInt8], from: Position, limit: Int, maxBytes: Int, place: Int,
        epoch: UInt64)
    /// Delayed records that are due, and when the next one is.
    case delayed(
        group: String, partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int, epoch: UInt64)
}

/// How much more may be read of a failure store.
struct SideRoom: Sendable {
    var records: Int
    var bytes: Int

    var isEmpty: Bool { records <= 0 || bytes <= 0 }

    /// Gives a read its part: so many records at most, and as large a part of the bytes as of the records.
    mutating func take(_ most: Int) -> SideRoom {
        let count = min(records, most)
        let part = SideRoom(records: count, bytes: max(1, bytes / ((records - 1) / count + 1)))
        records -= part.records
        bytes -= part.bytes
        return part
    }
}

/// The answer to a ``SideLoad``.
package struct SideLoaded: Sendable {
    package var entries: [SideEntry]
    /// When the next delayed record is due.
    package var nextDueMs: Int64?

    package init(entries: [SideEntry], nextDueMs: Int64? = nil) {
        self.entries = entries
        self.nextDueMs = nextDueMs
    }
}

/// How a call to the failure store ended.
package enum SideWriteResult: Sendable {
    case applied
    /// A part of the store is full.
    case full
    case failed
}
