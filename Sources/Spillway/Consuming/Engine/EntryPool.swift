import SpillwayCore

/// A record in the engine.
struct LaneEntry: Sendable {
    var record: Record
    /// The assignment of its partition.
    var epoch: UInt64
    /// Where the assignment is in the engine's table, valid while the epoch is.
    var slot: Int
    /// Its place in the partition's ack window; `nil` for a record that did not come through the log.
    var place: UInt64?
    var bytes: Int
    /// How often it has been handled.
    var attempts = 0
    /// How often it has come back to the side queue.
    var rounds = 0
    /// How it stands in the side queue; `nil` if it isn't there.
    var side: SideEntry.Mode?
    /// The lane that it waits in, or went to a worker from.
    var lane = 0
    /// When it came into the engine.
    var received = MonotonicInstant.zero
    /// When it went to a worker last.
    var started = MonotonicInstant.zero

    /// What a free slot holds, so that it keeps no bytes alive.
    static let noRecord = Record(key: nil, value: nil, position: nil, timestampMs: 0)
}

/// The records in an engine, each at a number of its own; lists of them are linked by these numbers, so that a record
/// is written once and never moved.
struct EntryPool: Sendable {
    private var entries: ContiguousArray<LaneEntry> = []
    private var links: ContiguousArray<Int> = []
    private var firstFree = -1
    private(set) var count = 0

    /// The entry with a number.
    subscript(number: Int) -> LaneEntry {
        get { entries[number] }
        _modify { yield &entries[number] }
    }

    // One field of an entry each, for what is done with every record: to read a field through the subscript copies the
    // whole entry, and counts its references.

    func record(_ number: Int) -> Record { entries[number].record }
    func epoch(_ number: Int) -> UInt64 { entries[number].epoch }
    func slot(_ number: Int) -> Int { entries[number].slot }
    func place(_ number: Int) -> UInt64? { entries[number].place }
    func bytes(_ number: Int) -> Int { entries[number].bytes }
    func attempts(_ number: Int) -> Int { entries[number].attempts }
    func rounds(_ number: Int) -> Int { entries[number].rounds }
    func side(_ number: Int) -> SideEntry.Mode? { entries[number].side }
    func lane(_ number: Int) -> Int { entries[number].lane }
    func received(_ number: Int) -> MonotonicInstant { entries[number].received }
    func started(_ number: Int) -> MonotonicInstant { entries[number].started }
    func hasKey(_ number: Int, _ key: ArraySlice<UInt8>?) -> Bool { entries[number].record.key == key }
    func haveSameKey(_ number: Int, _ other: Int) -> Bool { entries[number].record.key == entries[other].record.key }

    mutating func add(_ entry: consuming LaneEntry) -> Int {
        count += 1
        guard firstFree >= 0 else {
            entries.append(entry)
            links.append(-1)
            return entries.count - 1
        }
        let number = firstFree
        firstFree = links[number]
        entries[number] = entry
        links[number] = -1
        return number
    }

    mutating func remove(_ number: Int) {
        // The rest is written when the number is used again.
        entries[number].record = LaneEntry.noRecord
        entries[number].epoch = 0
        entries[number].place = nil
        entries[number].side = nil
        links[number] = firstFree
        firstFree = number
        count -= 1
    }

    /// The numbers in use; costs a walk over all.
    var numbers: [Int] { entries.indices.filter { entries[$0].epoch != 0 } }

    /// The entry behind another in its list; -1 at the end.
    func next(_ number: Int) -> Int { links[number] }

    fileprivate mutating func link(_ number: Int, to next: Int) { links[number] = next }
}

/// A list of records of an ``EntryPool``, by their numbers.
struct EntryList: Sendable {
    private(set) var first = -1
    private(set) var last = -1
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ number: Int, in pool: inout EntryPool) {
        pool.link(number, to: -1)
        if count == 0 { first = number } else { pool.link(last, to: number) }
        last = number
        count += 1
    }

    mutating func popFirst(in pool: inout EntryPool) -> Int? {
        guard count > 0 else { return nil }
        let number = first
        first = pool.next(number)
        count -= 1
        if count == 0 { last = -1 }
        pool.link(number, to: -1)
        return number
    }

    /// Puts another list's records behind these.
    mutating func append(_ other: EntryList, in pool: inout EntryPool) {
        guard !other.isEmpty else { return }
        if count == 0 {
            self = other
        } else {
            pool.link(last, to: other.first)
            last = other.last
            count += other.count
        }
    }

    /// The numbers, in order.
    func numbers(in pool: EntryPool) -> [Int] {
        var numbers: [Int] = []
        var number = first
        for _ in 0..<count {
            numbers.append(number)
            number = pool.next(number)
        }
        return numbers
    }
}
