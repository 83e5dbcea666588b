internal import Spillway

/// Where every entry of the side queues is: in memory, made from the rows when the store is opened.
///
/// It knows each name, so that what fails gets into the side queue and out of it without a look at the disk, and the order
/// in which delayed entries are due. An entry costs about eighty bytes, so what it takes is bounded by the limit on the
/// records of a side queue.
struct SideIndex: Sendable {
    /// Where a stored entry is.
    enum Location: Equatable, Sendable {
        /// The row of its name says under which key.
        case held(byteCount: Int)
        case delayed(byteCount: Int, SideRemovals.Entry)

        var byteCount: Int {
            switch self {
            case .held(let byteCount), .delayed(let byteCount, _): byteCount
            }
        }
    }

    /// A delayed entry, to be read from its block.
    struct Reference: Equatable, Sendable {
        var position: Position
        var block: UInt64
        /// When the block's first entry is due, which is a part of its key.
        var blockDueMs: Int64
        var start: UInt32
        var length: UInt32
    }

    /// What a write has changed.
    struct Change: Sendable {
        /// Entries that went, or were put anew.
        var removed: [(place: Int, position: Position)] = []
        /// The number of the row that names those of them that were in blocks; `nil` if none was.
        var removal: UInt64?
        var held: [(place: Int, position: Position, byteCount: Int)] = []
        var blocks: [(place: Int, block: SideBlock)] = []
    }

    private struct Entry: Sendable {
        var position: Position
        var dueMs: Int64
        var block: UInt32
        var start: UInt32
        var length: UInt32
        var byteCount: UInt32
    }

    private struct Block: Sendable {
        var number: UInt64
        var place: Int
        var dueMs: Int64
        var live: Int
        var liveBytes: Int
        /// Entries that it was written with, and their bytes.
        let items: Int
        let bytes: Int
        /// The first of its ``namings``, the last one made.
        var named = SideIndex.none
    }

    /// That a row of removals names a block: one of the block's list.
    private struct Naming: Sendable {
        let removal: UInt32
        let next: UInt32
    }

    private struct Removal: Sendable {
        var number: UInt64
        /// How many blocks are there that it names.
        var blocks = 0
    }

    private struct Place: Sendable {
        let prefix: [UInt8]
        var numbers = PositionTable()
        var order = DueOrder()
        /// None that was ever here is above it: what fails is mostly new, and is not looked for.
        var highest = Position.start
    }

    private struct Volume: Sendable {
        var records = 0
        var bytes = 0
    }

    fileprivate static let none = UInt32.max

    private var placeNumbers: [[UInt8]: Int] = [:]
    private var places: [Place] = []
    private var entries = Slots<Entry>()
    private var blocks = Slots<Block>()
    private var removals = Slots<Removal>()
    private var namings = Slots<Naming>()
    /// Of the entries in blocks, and of what has left blocks that are still there.
    private var live = Volume()
    private var garbage = Volume()
    private var nextNumber: UInt64 = 1
    /// The block at which the next cleaning goes on.
    private var cleaned = 0
    /// Beyond as much as there is of entries, and so much more, what has gone is cleaned up.
    private let spareRecords: Int
    private let spareBytes: Int

    init(spareRecords: Int = 65_536, spareBytes: Int = 64 << 20) {
        self.spareRecords = spareRecords
        self.spareBytes = spareBytes
    }

    /// The number of a place; one that was not seen before has no entries.
    mutating func number(of prefix: [UInt8]) -> Int {
        let next = places.count
        let number = placeNumbers.number(of: prefix, next: next)
        if number == next { places.append(Place(prefix: prefix)) }
        return number
    }

    func prefix(of place: Int) -> [UInt8] { places[place].prefix }

    /// A number for a block or a row of removals.
    mutating func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }

    /// Says that a number is taken.
    mutating func reserve(_ number: UInt64) { nextNumber = max(nextNumber, number + 1) }

    // MARK: Looking

    func location(_ place: Int, _ position: Position) -> Location? {
        guard position <= places[place].highest,
            let number = places[place].numbers.number(at: position, { entries[$0].position })
        else { return nil }
        let entry = entries[number]
        guard entry.block != Self.none else { return .held(byteCount: Int(entry.byteCount)) }
        return .delayed(
            byteCount: Int(entry.byteCount),
            SideRemovals.Entry(block: blocks[entry.block].number, start: entry.start))
    }

    /// The first delayed entries that are due at or before a time.
    mutating func due(_ prefix: [UInt8], byMs dueByMs: Int64, limit: Int) -> [Reference] {
        guard let place = placeNumbers[prefix] else { return [] }
        settle(place)
        var found: [Reference] = []
        found.reserveCapacity(min(limit, 1_024))
        places[place].order.forEach { item in
            guard item.dueMs <= dueByMs, found.count < limit else { return false }
            found.append(reference(item.entry))
            return true
        }
        return found
    }

    mutating func nextDueMs(_ prefix: [UInt8]) -> Int64? {
        guard let place = placeNumbers[prefix] else { return nil }
        settle(place)
        return places[place].order.first?.dueMs
    }

    private mutating func settle(_ place: Int) { places[place].order.settle { [entries] in entries[$0].position } }

    private func reference(_ number: UInt32) -> Reference {
        let entry = entries[number]
        let block = blocks[entry.block]
        return Reference(
            position: entry.position, block: block.number, blockDueMs: block.dueMs, start: entry.start,
            length: entry.length)
    }

    // MARK: Changing

    /// A row that nothing needs any more.
    enum DeadRow: Equatable, Sendable {
        case block(place: [UInt8], dueMs: Int64, number: UInt64)
        case removals(UInt64)
    }

    /// Takes what a write has changed.
    ///
    /// - Returns: the rows that nothing needs any more.
    mutating func apply(_ change: Change) -> [DeadRow] {
        var emptied: [UInt32] = []
        let removal = change.removal.map { removals.add(Removal(number: $0)) }
        for (place, position) in change.removed {
            let number = places[place].numbers.remove(at: position) { [entries] in entries[$0].position }
            guard let number else { continue }
            let entry = entries[number]
            if entry.block != Self.none {
                places[place].order.remove(DueOrder.Item(dueMs: entry.dueMs, entry: number)) { [entries] in
                    entries[$0].position
                }
                if let removal { name(entry.block, in: removal) }
                if leave(entry) { emptied.append(entry.block) }
            }
            entries.free(number)
        }
        for (place, position, byteCount) in change.held { addHeld(place, position, byteCount) }
        for (place, block) in change.blocks { add(block, in: place, items: block.items, removals: []) }
        return emptied.flatMap { drop($0) }
    }

    mutating func addHeld(_ place: Int, _ position: Position, _ byteCount: Int) {
        insert(
            Entry(
                position: position, dueMs: 0, block: Self.none, start: 0, length: 0,
                byteCount: UInt32(clamping: byteCount)), in: place)
    }

    /// Adds a block with those of its items that are there.
    ///
    /// - Parameter named: the numbers of the removals that name others of its items, each once.
    mutating func add(_ block: SideBlock, in place: Int, items: [SideBlock.Item], removals named: [UInt32]) {
        let (bytes, liveBytes) = (Self.bytes(block.items), Self.bytes(items))
        let number = blocks.add(
            Block(
                number: block.number, place: place, dueMs: block.dueMs, live: items.count, liveBytes: liveBytes,
                items: block.items.count, bytes: bytes))
        for removal in named { name(number, in: removal) }
        live.records += items.count
        live.bytes += liveBytes
        garbage.records += block.items.count - items.count
        garbage.bytes += bytes - liveBytes
        for item in items {
            let entry = insert(
                Entry(
                    position: item.position, dueMs: item.dueMs, block: number, start: item.start,
                    length: item.length, byteCount: item.byteCount), in: place)
            places[place].order.insert(DueOrder.Item(dueMs: item.dueMs, entry: entry))
        }
    }

    @discardableResult
    private mutating func insert(_ entry: Entry, in place: Int) -> UInt32 {
        let number = entries.add(entry)
        places[place].highest = max(places[place].highest, entry.position)
        places[place].numbers.insert(number, at: entry.position) { [entries] in entries[$0].position }
        return number
    }

    /// A row of removals names a block; the last one is not noted again.
    private mutating func name(_ block: UInt32, in removal: UInt32) {
        let last = blocks[block].named
        guard last == Self.none || namings[last].removal != removal else { return }
        blocks[block].named = namings.add(Naming(removal: removal, next: last))
        removals[removal].blocks += 1
    }

    /// An entry has left its block; returns whether it was the last one.
    private mutating func leave(_ entry: Entry) -> Bool {
        live.records -= 1
        live.bytes -= Int(entry.length)
        garbage.records += 1
        garbage.bytes += Int(entry.length)
        blocks[entry.block].live -= 1
        blocks[entry.block].liveBytes -= Int(entry.length)
        return blocks[entry.block].live == 0
    }

    private static func bytes(_ items: [SideBlock.Item]) -> Int { items.reduce(0) { $0 + Int($1.length) } }

    private mutating func drop(_ number: UInt32) -> [DeadRow] {
        let block = blocks[number]
        garbage.records -= block.items
        garbage.bytes -= block.bytes
        var dead = [DeadRow.block(place: places[block.place].prefix, dueMs: block.dueMs, number: block.number)]
        var named = block.named
        while named != Self.none {
            let (removal, next) = (namings[named].removal, namings[named].next)
            namings.free(named)
            named = next
            removals[removal].blocks -= 1
            guard removals[removal].blocks == 0 else { continue }
            dead.append(.removals(removals[removal].number))
            removals.free(removal)
        }
        blocks.free(number)
        return dead
    }

    /// Adds a row of removals that was found, for the blocks to name; or to be freed.
    mutating func addRemovals(_ number: UInt64) -> UInt32 { removals.add(Removal(number: number)) }

    mutating func freeRemovals(_ slot: UInt32) { removals.free(slot) }

    /// Whether an item of a block is there still, and nowhere else.
    func isThere(_ item: SideBlock.Item, in block: WornBlock) -> Bool {
        location(block.place, item.position)
            == .delayed(
                byteCount: Int(item.byteCount), SideRemovals.Entry(block: block.number, start: item.start))
    }

    // MARK: Cleaning

    /// A block to be written anew, with what is left of it only.
    struct WornBlock: Equatable, Sendable {
        var place: Int
        var number: UInt64
        var dueMs: Int64
    }

    /// Blocks of which half has gone; none while little has gone of all.
    ///
    /// More than half of all is gone then, so one of some blocks that are looked at is worth it.
    mutating func wornBlocks(most: Int) -> [WornBlock] {
        guard garbage.records > live.records + spareRecords || garbage.bytes > live.bytes + spareBytes else {
            return []
        }
        var found: [WornBlock] = []
        for _ in 0..<min(16 * most, blocks.capacity) where found.count < most {
            cleaned = cleaned + 1 < blocks.capacity ? cleaned + 1 : 0
            let block = blocks[UInt32(cleaned)]
            // None is left in a number that is free.
            guard block.live > 0, 2 * block.live <= block.items || 2 * block.liveBytes <= block.bytes else { continue }
            found.append(WornBlock(place: block.place, number: block.number, dueMs: block.dueMs))
        }
        return found
    }
}
