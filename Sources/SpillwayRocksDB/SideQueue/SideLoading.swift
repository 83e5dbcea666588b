internal import Spillway

/// Makes the index of the side queues from their rows, when the store is opened.
struct SideLoading {
    private let database: Database
    private let side: ColumnFamily
    private let names: ColumnFamily
    private let index: SideIndex
    /// The greatest number that a row has, or names.
    private var lastNumber: UInt64 = 0
    /// Rows of removals by their numbers, and which entries of each block they name.
    private var removals: [UInt64: UInt32] = [:]
    private var removed: [UInt64: [UInt32: UInt64]] = [:]
    /// The rows of removals that name entries of blocks that are there.
    private var needed: Set<UInt64> = []
    /// Entries whose names are elsewhere, too: what an accepted loss can leave.
    private var stale: [SideRemovals.Entry] = []
    private var staleRow: (number: UInt64, slot: UInt32)?

    init(_ database: Database, side: ColumnFamily, names: ColumnFamily, into index: SideIndex) {
        self.index = index
        self.database = database
        self.side = side
        self.names = names
    }

    /// Fills the index.
    ///
    /// - Returns: the greatest number that a row has, or names.
    consuming func run() throws -> UInt64 {
        var dead: [SideIndex.DeadRow] = []
        try loadHeld()
        try loadRemovals()
        for block in try readBlocks() { add(block, &dead) }
        for (number, slot) in removals.sorted(by: { $0.key < $1.key }) where !needed.contains(number) {
            dead.append(.removals(number))
            index.freeRemovals(slot)
        }
        let batch = WriteBatch()
        batch.deleteRows(dead, side)
        if let staleRow { batch.put(side, SideRemovals.key(staleRow.number), SideRemovals.value(stale)) }
        if !batch.isEmpty { try database.append(batch) }
        try FirstFormat(database, side: side, names: names, index).move { takeNumber() }
        index.settle()
        return lastNumber
    }

    private mutating func takeNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    private mutating func loadRemovals() throws {
        try database.forEachRow(side, prefix: [SideRemovals.kind]) { key, value in
            let number = try SideRemovals.parseKey(key)
            lastNumber = max(lastNumber, number)
            removals[number] = index.addRemovals(number)
            for entry in try SideRemovals.parse(value) {
                lastNumber = max(lastNumber, entry.block)
                removed[entry.block, default: [:]][entry.start] = number
            }
        }
    }

    /// The blocks that are there, the newest first.
    private mutating func readBlocks() throws -> [SideBlock] {
        var found: [SideBlock] = []
        try database.forEachRow(side, prefix: [SideBlock.kind]) { key, value in
            found.append(try SideBlock(number: try SideBlock.parseKey(key), value))
        }
        if let last = found.last { lastNumber = max(lastNumber, last.number) }
        return found.reversed()
    }

    private mutating func add(_ block: SideBlock, _ dead: inout [SideIndex.DeadRow]) {
        let place = index.place(block.place)
        let gone = removed[block.number] ?? [:]
        let left = block.items.filter { gone[$0.start] == nil }
        // The newest counts.
        let items = place.withIndex { index in left.filter { index.location($0.position) == nil } }
        guard !items.isEmpty else {
            dead.append(.block(block.number))
            return
        }
        let rows = Set(block.items.compactMap { gone[$0.start] })
        needed.formUnion(rows)
        var named = rows.sorted().compactMap { removals[$0] }
        if items.count < left.count {
            let kept = Set(items.map(\.start))
            stale += left.filter { !kept.contains($0.start) }.map { .init(block: block.number, start: $0.start) }
            named.append(slotOfStaleRow())
        }
        index.add(block, in: place, items: items, removals: named)
    }

    private mutating func slotOfStaleRow() -> UInt32 {
        if let staleRow { return staleRow.slot }
        let number = takeNumber()
        let slot = index.addRemovals(number)
        staleRow = (number, slot)
        return slot
    }

    private func loadHeld() throws {
        try database.forEachRow(names, prefix: [FailureKeys.name]) { key, value in
            let location = try FailureEncoding.location(value)
            guard location.mode == .held else { return }
            let position = unsafe key.withUnsafeBytes { unsafe FailureKeys.position(endOf: $0) }
            let place = index.place(Array(key.dropLast(FailureKeys.positionBytes)))
            place.withIndex { $0.addHeld(position, location.byteCount) }
        }
    }
}
