internal import Spillway
internal import Synchronization

/// A group and a partition that has, or had, entries in the side queue, and where they are.
///
/// The writer changes it, and those who look read it: each place has a lock of its own, so that who looks at one does not
/// wait for what is written of another.
final class SidePlace: Sendable {
    /// What the names of its records begin with.
    let prefix: [UInt8]
    private let index: Mutex<PlaceIndex>

    init(_ prefix: [UInt8], _ index: PlaceIndex) {
        self.prefix = prefix
        self.index = Mutex(index)
    }

    func withIndex<R>(_ body: (inout PlaceIndex) -> R) -> R { index.withLock { body(&$0) } }
}

/// Where the entries of one place are.
struct PlaceIndex: Sendable {
    private struct Entry: Sendable {
        var position: Position
        var dueMs: Int64
        var block: UInt32
        var start: UInt32
        var length: UInt32
        var byteCount: UInt32
    }

    private struct Block: Sendable {
        let number: UInt64
        var live: UInt32
        var liveBytes: UInt32
        /// Entries that it was written with, and their bytes.
        let items: UInt32
        let bytes: UInt32
        /// The first of its namings, the last one made; and by which row of removals.
        var named = PlaceIndex.none
        var removal = PlaceIndex.none
    }

    /// That a row of removals names a block: one of the block's list.
    private struct Naming: Sendable {
        let removal: UInt32
        let next: UInt32
    }

    /// What a change does beyond the place.
    struct Effect: Sendable {
        /// Blocks that the change's row of removals names for the first time.
        var named = 0
        /// Rows of removals that name a block less.
        var unnamed: [UInt32] = []
        /// Blocks that nothing is left in.
        var emptied: [UInt64] = []
    }

    fileprivate static let none = UInt32.max

    private var numbers = PositionTable()
    private var order = DueOrder()
    private var entries = Slots<Entry>()
    private var blocks = Slots<Block>()
    private var namings = Slots<Naming>()
    /// Of all entries.
    private(set) var count = FailureCount.zero
    /// None that was ever here is above it: what fails is mostly new, and is not looked for.
    private var highest = Position.start
    /// Of the entries in blocks, and of what has left blocks that are still there.
    private var live = FailureCount.zero
    private var garbage = FailureCount.zero
    /// The block at which the next cleaning goes on.
    private var cleaned = 0
    /// Beyond as much as there is of entries, and so much more, what has gone is cleaned up.
    private let spareRecords: Int
    private let spareBytes: Int

    init(spareRecords: Int = 16_384, spareBytes: Int = 16 << 20) {
        self.spareRecords = spareRecords
        self.spareBytes = spareBytes
    }

    // MARK: Looking

    func location(_ position: Position) -> SideIndex.Location? {
        guard position <= highest, let number = numbers.number(at: position, { entries[$0].position }) else {
            return nil
        }
        let entry = entries[number]
        guard entry.block != Self.none else { return .held(byteCount: Int(entry.byteCount)) }
        return .delayed(
            byteCount: Int(entry.byteCount),
            SideRemovals.Entry(block: blocks[entry.block].number, start: entry.start))
    }

    /// The first delayed entries that are due at or before a time; none behind the first that passes the bytes.
    mutating func due(byMs dueByMs: Int64, limit: Int, maxBytes: Int = .max) -> [SideIndex.Reference] {
        settle()
        var found: [SideIndex.Reference] = []
        found.reserveCapacity(min(limit, 1_024))
        var bytes = 0
        order.forEach { item in
            guard item.dueMs <= dueByMs, found.count < limit, bytes < maxBytes || found.isEmpty else { return false }
            let entry = entries[item.entry]
            bytes += Int(entry.byteCount)
            found.append(
                SideIndex.Reference(
                    position: entry.position, block: blocks[entry.block].number, start: entry.start,
                    length: entry.length))
            return true
        }
        return found
    }

    mutating func nextDueMs() -> Int64? {
        settle()
        return order.first?.dueMs
    }

    /// Puts what was added in its order, which the first look would have to do.
    mutating func settle() { order.settle { [entries] in entries[$0].position } }

    // MARK: Changing

    /// - Parameter removal: the row that names those of the removed entries that were in blocks.
    mutating func apply(_ change: SideIndex.PlaceChange, removal: UInt32?, _ effect: inout Effect) {
        var emptied: [UInt32] = []
        for position in change.removed {
            let number = numbers.remove(at: position) { [entries] in entries[$0].position }
            guard let number else { continue }
            let entry = entries[number]
            count.remove(Int(entry.byteCount))
            if entry.block != Self.none {
                order.remove(DueOrder.Item(dueMs: entry.dueMs, entry: number)) { [entries] in entries[$0].position }
                if let removal, name(entry.block, in: removal) { effect.named += 1 }
                if leave(entry) { emptied.append(entry.block) }
            }
            entries.free(number)
        }
        for (position, byteCount) in change.held { addHeld(position, byteCount) }
        for block in change.blocks { add(block, items: block.items, removals: []) }
        for block in emptied { drop(block, &effect) }
    }

    mutating func addHeld(_ position: Position, _ byteCount: Int) {
        insert(
            Entry(
                position: position, dueMs: 0, block: Self.none, start: 0, length: 0,
                byteCount: UInt32(clamping: byteCount)))
    }

    /// Adds a block with those of its items that are there.
    ///
    /// - Parameter named: the rows of removals that name others of its items, each once.
    mutating func add(_ block: SideBlock, items: [SideBlock.Item], removals named: [UInt32]) {
        let (bytes, liveBytes) = (Self.bytes(block.items), Self.bytes(items))
        let number = blocks.add(
            Block(
                number: block.number, live: UInt32(items.count),
                liveBytes: UInt32(clamping: liveBytes), items: UInt32(block.items.count),
                bytes: UInt32(clamping: bytes)))
        for removal in named { _ = name(number, in: removal) }
        live.records += items.count
        live.bytes += liveBytes
        garbage.records += block.items.count - items.count
        garbage.bytes += bytes - liveBytes
        for item in items {
            let entry = insert(
                Entry(
                    position: item.position, dueMs: item.dueMs, block: number, start: item.start,
                    length: item.length, byteCount: item.byteCount))
            order.insert(DueOrder.Item(dueMs: item.dueMs, entry: entry))
        }
    }

    @discardableResult
    private mutating func insert(_ entry: Entry) -> UInt32 {
        let number = entries.add(entry)
        count.add(Int(entry.byteCount))
        highest = max(highest, entry.position)
        numbers.insert(number, at: entry.position) { [entries] in entries[$0].position }
        return number
    }

    /// A row of removals names a block; returns whether it did not before. Rows come one behind the other.
    private mutating func name(_ block: UInt32, in removal: UInt32) -> Bool {
        guard blocks[block].removal != removal else { return false }
        blocks[block].named = namings.add(Naming(removal: removal, next: blocks[block].named))
        blocks[block].removal = removal
        return true
    }

    /// An entry has left its block; returns whether it was the last one.
    private mutating func leave(_ entry: Entry) -> Bool {
        live.remove(Int(entry.length))
        garbage.add(Int(entry.length))
        blocks[entry.block].live -= 1
        blocks[entry.block].liveBytes -= entry.length
        return blocks[entry.block].live == 0
    }

    private static func bytes(_ items: [SideBlock.Item]) -> Int { items.reduce(0) { $0 + Int($1.length) } }

    private mutating func drop(_ number: UInt32, _ effect: inout Effect) {
        let block = blocks[number]
        garbage.records -= Int(block.items)
        garbage.bytes -= Int(block.bytes)
        effect.emptied.append(block.number)
        var named = block.named
        while named != Self.none {
            let naming = namings[named]
            effect.unnamed.append(naming.removal)
            namings.free(named)
            named = naming.next
        }
        blocks.free(number)
    }

    // MARK: Cleaning

    /// Blocks of which half has gone, to be written anew with what is left of them only; none while little has gone of
    /// all.
    ///
    /// More than half of all is gone then, so one of some blocks that are looked at is worth it.
    mutating func wornBlocks(most: Int) -> [UInt64] {
        guard garbage.records > live.records + spareRecords || garbage.bytes > live.bytes + spareBytes else {
            return []
        }
        var found: [UInt64] = []
        for _ in 0..<min(16 * most, blocks.capacity) where found.count < most {
            cleaned = cleaned + 1 < blocks.capacity ? cleaned + 1 : 0
            let block = blocks[UInt32(cleaned)]
            // None is left in a number that is free.
            guard block.live > 0, 2 * block.live <= block.items || block.liveBytes <= block.bytes / 2 else { continue }
            found.append(block.number)
        }
        return found
    }

    /// Whether an item of a block is there still, and nowhere else.
    func isThere(_ item: SideBlock.Item, in block: UInt64) -> Bool {
        location(item.position)
            == .delayed(byteCount: Int(item.byteCount), SideRemovals.Entry(block: block, start: item.start))
    }
}
