internal import Spillway
internal import Synchronization

/// The families of a failure store, and what it remembers of them.
///
/// What is remembered changes under one lock, under which walks take their views of the rows, too. The writer does not
/// hold it while RocksDB takes a batch: it tells of the rows that it puts before, and of the rest behind.
final class FailureTables: Sendable {
    /// One of the two families that are walked.
    enum Part: Sendable {
        case side
        case letters
    }

    /// How much a group has.
    struct Counts: Equatable, Sendable {
        var side = FailureCount.zero
        var letters = FailureCount.zero
    }

    struct State: Sendable {
        /// By the bytes of the group's name; a group without anything is not here.
        var groups: [[UInt8]: Counts] = [:]
        var letters = FailureCount.zero
        fileprivate(set) var sideGaps = EmptyRanges()
        fileprivate(set) var letterGaps = EmptyRanges()
        fileprivate(set) var known = KnownEntries()
    }

    let database: Database
    let side: ColumnFamily
    /// Where each entry of ``side`` is.
    let names: ColumnFamily
    let letters: ColumnFamily
    private let state: Mutex<State>

    /// Opens the families; makes those that are not there. Blocks.
    init(_ database: Database, _ known: KnownEntries = KnownEntries()) throws {
        self.database = database
        side = try Self.family(database, FailureFamilies.side)
        names = try Self.family(database, FailureFamilies.names)
        letters = try Self.family(database, FailureFamilies.letters)
        var loaded = State()
        loaded.known = known
        try Self.loadCounts(database, side) { loaded.groups[$0, default: Counts()].side = $1 }
        try Self.loadCounts(database, letters) { group, count in
            loaded.groups[group, default: Counts()].letters = count
            loaded.letters.records += count.records
            loaded.letters.bytes += count.bytes
        }
        try Self.loadPlaces(database, names) { loaded.known.load($0, highest: $1) }
        state = Mutex(loaded)
    }

    private static func family(_ database: Database, _ name: String) throws -> ColumnFamily {
        try database.ensureFamily(FailureFamilies.options(name) ?? ColumnFamily.Options(name: name))
    }

    private static func loadCounts(
        _ database: Database, _ family: ColumnFamily, _ found: ([UInt8], FailureCount) -> Void
    ) throws {
        let lower = [FailureKeys.count]
        let walk = database.iterator(family, .init(lower: lower, upper: FailureKeys.end(of: lower)))
        walk.seekToFirst()
        while walk.isValid {
            found(Array(walk.key.dropFirst()), try FailureEncoding.count(walk.value))
            walk.next()
        }
        try walk.check()
    }

    /// Finds the highest name of each place: two seeks a place.
    private static func loadPlaces(
        _ database: Database, _ names: ColumnFamily, _ found: ([UInt8], Position) -> Void
    ) throws {
        let lower = [FailureKeys.name]
        let walk = database.iterator(names, .init(lower: lower, upper: FailureKeys.end(of: lower)))
        walk.seekToFirst()
        while walk.isValid {
            let place = Array(walk.key.dropLast(FailureKeys.positionBytes))
            let end = FailureKeys.end(of: place)
            walk.seek(backTo: end)
            guard walk.isValid else { break }
            found(place, unsafe walk.withKey { unsafe FailureKeys.position(endOf: $0) })
            walk.seek(to: end)
        }
        try walk.check()
    }

    /// What is remembered now.
    var remembered: State { state.withLock { $0 } }

    func counts(of group: String) -> Counts { state.withLock { $0.groups[Array(group.utf8)] ?? Counts() } }
    var allLetters: FailureCount { state.withLock { $0.letters } }

    /// The number of a place among the known entries.
    func number(ofPlace prefix: [UInt8]) -> Int { state.withLock { $0.known.number(of: prefix) } }

    func withKnownEntries(_ body: (KnownEntries) -> Void) { state.withLock { body($0.known) } }

    /// Writes a batch, not synced, and remembers what it changes; nothing is remembered if that fails. Blocks.
    func write(_ batch: WriteBatch, _ change: FailureGroup.Change) throws {
        if let failure = database.events.failure { throw failure }
        state.withLock { state in
            state.sideGaps.beginPuts(change.delayedRows)
            state.letterGaps.beginPuts(change.letterRows)
        }
        defer {
            state.withLock { state in
                state.sideGaps.endPuts()
                state.letterGaps.endPuts()
            }
        }
        try database.append(batch)
        state.withLock { state in
            for (group, counts) in change.groups { state.groups[group] = counts == Counts() ? nil : counts }
            state.letters = change.letters
            // Behind the write: a read that began before it, and is not over, learns nothing of these.
            for entry in change.entries { state.known.set(entry.place, entry.position, entry.location) }
        }
    }

    // MARK: Walking

    /// Runs a read of a place's delayed entries, and learns from what it finds.
    ///
    /// - Parameter body: is given what it has to call in the step in which its view of the rows is made.
    func learning(
        of place: [UInt8], _ body: (_ begin: (inout KnownEntries) -> Void) throws -> [SideEntry]
    ) rethrows -> [SideEntry] {
        var begun: Int?
        var found: [(position: Position, location: KnownEntries.Location)] = []
        defer { if let begun { state.withLock { $0.known.endRead(begun, found) } } }
        let entries = try body { known in
            let number = known.number(of: place)
            known.beginRead(number)
            begun = number
        }
        found = entries.map { ($0.name.position, .delayed(dueMs: $0.dueMs, byteCount: $0.byteCount)) }
        return entries
    }

    /// From how many marks on a gap is worth a seek.
    static let notedMarks = 32

    /// Hands over the rows from one key up to and without another, until the body returns false. Blocks.
    ///
    /// - Parameter begin: called in the step in which the view of the rows is made.
    func walk(
        _ part: Part, from lower: [UInt8], to upper: [UInt8], begin: (inout KnownEntries) -> Void = { _ in },
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        guard lower.precedes(upper) else { return }
        let gaps: WritableKeyPath<State, EmptyRanges> = part == .side ? \.sideGaps : \.letterGaps
        let (id, known, view) = state.withLock { state in
            begin(&state.known)
            let (id, known) = state[keyPath: gaps].begin(lower: lower, upper: upper)
            return (id, known, database.snapshot())
        }
        var segments = SegmentedWalk(database, part == .side ? side : letters, view)
        defer { state.withLock { $0[keyPath: gaps].end(id, found: segments.found) } }
        var start = lower
        for gap in known {
            guard try unsafe segments.walk(from: start, to: gap.lower, isBesideGap: (start != lower, true), body)
            else { return }
            start = gap.upper
        }
        _ = try unsafe segments.walk(from: start, to: upper, isBesideGap: (start != lower, false), body)
    }
}

/// A walk in pieces between known gaps, in one view, that notes the gaps it finds.
private struct SegmentedWalk {
    private let database: Database
    private let family: ColumnFamily
    private let view: Database.Snapshot
    private(set) var found: [EmptyRanges.Gap] = []

    init(_ database: Database, _ family: ColumnFamily, _ view: Database.Snapshot) {
        self.database = database
        self.family = family
        self.view = view
    }

    /// Returns whether the walk goes on.
    mutating func walk(
        from start: [UInt8], to end: [UInt8], isBesideGap: (start: Bool, end: Bool),
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws -> Bool {
        guard start.precedes(end) else { return true }
        let rows = database.iterator(family, .init(lower: start, upper: end, read: .init(snapshot: view)))
        var marks = Database.Iterator.skippedDeletes
        /// The first key behind the last row.
        var behind = start
        var isBeside = isBesideGap.start
        rows.seekToFirst()
        while rows.isValid {
            let met = Database.Iterator.skippedDeletes - marks
            if met > 0 { note(behind, rows.key, met, isBeside) }
            isBeside = false
            let goesOn = try unsafe rows.withEntry { key, value in
                behind.removeAll(keepingCapacity: true)
                unsafe behind.append(contentsOf: key)
                behind.append(0)
                return try unsafe body(key, value)
            }
            guard goesOn else { return false }
            marks = Database.Iterator.skippedDeletes
            rows.next()
        }
        try rows.check()
        let met = Database.Iterator.skippedDeletes - marks
        if met > 0 { note(behind, end, met, isBeside || isBesideGap.end) }
        return true
    }

    /// A gap that continues a known one is always worth noting, so that it grows.
    private mutating func note(_ lower: [UInt8], _ upper: [UInt8], _ marks: Int, _ isBesideGap: Bool) {
        guard marks >= FailureTables.notedMarks || isBesideGap else { return }
        found.append(.init(lower: lower, upper: upper, marks: marks))
    }
}
