internal import Spillway
internal import Synchronization

/// The families of a failure store, and what it remembers of them.
///
/// What is remembered changes under one lock, under which walks take their views of the rows, too. The writer does not
/// hold it while RocksDB takes a batch: it tells of the letters that it puts before, and of the rest behind.
final class FailureTables: Sendable {
    /// How much a group has.
    struct Counts: Equatable, Sendable {
        var side = FailureCount.zero
        var letters = FailureCount.zero
    }

    struct State: Sendable {
        /// By the bytes of the group's name; a group without anything is not here.
        var groups: [[UInt8]: Counts] = [:]
        var letters = FailureCount.zero
        fileprivate(set) var letterGaps = EmptyRanges()
    }

    let database: Database
    let side: ColumnFamily
    /// Under which key each held entry of ``side`` is.
    let names: ColumnFamily
    let letters: ColumnFamily
    let index: SideIndex
    private let blocks: SideBlockCache
    /// Rows that nothing needs any more, and that are there still; the writer's.
    private let dead = Mutex<[SideIndex.DeadRow]>([])
    private let lastNumber: Atomic<UInt64>
    private let state: Mutex<State>

    /// Opens the families; makes those that are not there. Reads the side queues' blocks. Blocks.
    ///
    /// - Parameters:
    ///   - cachedBytes: of blocks that were read and are kept.
    ///   - index: empty; it is filled.
    init(_ database: Database, cachedBytes: Int = 64 << 20, index: SideIndex = SideIndex()) throws {
        self.database = database
        self.index = index
        side = try Self.family(database, FailureFamilies.side)
        names = try Self.family(database, FailureFamilies.names)
        letters = try Self.family(database, FailureFamilies.letters)
        blocks = SideBlockCache(database, side, limit: cachedBytes)
        var loaded = State()
        lastNumber = Atomic(try SideLoading(database, side: side, names: names, into: index).run())
        // The rows of counts are for programs that know format 1 only: after an accepted loss they may be wrong.
        for (group, count) in try index.counts() { loaded.groups[group, default: Counts()].side = count }
        try database.forEachRow(letters, prefix: [FailureKeys.count]) { key, value in
            let count = try FailureEncoding.count(value)
            loaded.groups[Array(key.dropFirst()), default: Counts()].letters = count
            loaded.letters.records += count.records
            loaded.letters.bytes += count.bytes
        }
        state = Mutex(loaded)
    }

    private static func family(_ database: Database, _ name: String) throws -> ColumnFamily {
        try database.ensureFamily(FailureFamilies.options(name) ?? ColumnFamily.Options(name: name))
    }

    /// What is remembered now.
    var remembered: State { state.withLock { $0 } }

    func counts(of group: String) -> Counts { state.withLock { $0.groups[Array(group.utf8)] ?? Counts() } }
    var allLetters: FailureCount { state.withLock { $0.letters } }

    /// Writes a batch, not synced, and remembers what it changes; nothing is remembered if that fails. Blocks.
    func write(_ batch: WriteBatch, _ change: FailureGroup.Change) throws {
        if let failure = database.events.failure { throw failure }
        if change.side.places.contains(where: { !$0.blocks.isEmpty }) {
            try database.requireFormat(DataDirectory.blocksFormat)
        }
        state.withLock { $0.letterGaps.beginPuts(change.letterRows) }
        defer { state.withLock { $0.letterGaps.endPuts() } }
        try database.append(batch)
        state.withLock { state in
            for (group, counts) in change.groups { state.groups[group] = counts == Counts() ? nil : counts }
            state.letters = change.letters
        }
        drop(index.apply(change.side))
    }

    // MARK: Blocks

    /// Deletes rows that nothing needs any more. Who has learned of them from the index before finds them gone, and looks
    /// into it again.
    func drop(_ rows: [SideIndex.DeadRow]) {
        let batch = WriteBatch()
        // Those that could not be deleted go with the next ones, never behind: what takes their entries out would go first.
        let all = dead.withLock { dead in
            dead += rows
            return dead
        }
        guard !all.isEmpty else { return }
        batch.deleteRows(all, side)
        guard (try? database.append(batch)) != nil else { return }
        dead.withLock { $0 = [] }
        blocks.remove(
            all.compactMap { row in
                guard case .block(let number) = row else { return nil }
                return number
            })
    }

    /// The first delayed entries of a place that are due at or before a time, and their values, one behind the other.
    /// Blocks.
    func due(
        _ place: [UInt8], byMs dueByMs: Int64, limit: Int, maxBytes: Int
    ) throws -> (entries: [SideIndex.Reference], values: [UInt8]) {
        guard let known = index.find(place) else { return ([], []) }
        while true {
            let found = known.withIndex { $0.due(byMs: dueByMs, limit: limit, maxBytes: maxBytes) }
            // A block goes when the index has forgotten its entries, so each time there are others.
            if let values = try blocks.values(found) { return (found, values) }
        }
    }

    /// A number for a block or a row of removals.
    func takeNumber() -> UInt64 { lastNumber.add(1, ordering: .relaxed).newValue }

    // MARK: Walking

    /// From how many marks on a gap is worth a seek.
    static let notedMarks = 32

    /// Hands over the rows of letters from one key up to and without another, until the body returns false. Blocks.
    func walkLetters(
        from lower: [UInt8], to upper: [UInt8],
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        guard lower.precedes(upper) else { return }
        let (id, known, view) = state.withLock { state in
            let (id, known) = state.letterGaps.begin(lower: lower, upper: upper)
            return (id, known, database.snapshot())
        }
        var segments = SegmentedWalk(database, letters, view)
        defer { state.withLock { $0.letterGaps.end(id, found: segments.found) } }
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
