internal import Spillway

/// The delayed entries of a place, by due time and position: sorted chunks in a sorted list.
///
/// What is added stays beside them until the order is asked for: so many at once are sorted and merged in a fraction of what
/// it takes to find the place of each.
struct DueOrder: Sendable {
    struct Item: Sendable {
        var dueMs: Int64
        /// The number of the entry, whose position is the second part of the order.
        var entry: UInt32
    }

    private var chunks: [[Item]] = []
    /// The first of each chunk, beside each other: a search does not go from chunk to chunk.
    private var firsts: [Item] = []
    private var count = 0
    /// Not in the chunks yet.
    private var added: [Item] = []
    private static let mostItems = 256

    typealias Positions = PositionTable.Positions

    /// The first item of all; ``settle(_:)`` before.
    var first: Item? { firsts.first }

    /// Adds an item that is not there.
    mutating func insert(_ item: Item) { added.append(item) }

    /// Puts what was added in its places.
    mutating func settle(_ position: Positions) {
        guard !added.isEmpty else { return }
        let items = added
        added = []
        guard items.count > count / 16 else {
            for item in items { place(item, position) }
            return
        }
        let sorted = items.sorted { Self.precedes($0, $1, position) }
        var (old, new) = (chunks.joined().makeIterator(), sorted[...])
        var all: [Item] = []
        all.reserveCapacity(count + sorted.count)
        while let item = old.next() {
            while let first = new.first, Self.precedes(first, item, position) { all.append(new.removeFirst()) }
            all.append(item)
        }
        all += new
        count = all.count
        chunks = stride(from: 0, to: all.count, by: Self.mostItems).map { start in
            Array(all[start..<min(start + Self.mostItems, all.count)])
        }
        firsts = chunks.map { $0[0] }
    }

    private static func precedes(_ a: Item, _ b: Item, _ position: Positions) -> Bool {
        a.dueMs == b.dueMs ? position(a.entry) < position(b.entry) : a.dueMs < b.dueMs
    }

    /// The first index in sorted items whose item does not come before another.
    private static func lowerBound(_ items: [Item], _ item: Item, _ position: Positions) -> Int {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(items[middle], item, position) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The chunk in which an item is, or belongs.
    private func chunk(of item: Item, _ position: Positions) -> Int {
        var (low, high) = (0, firsts.count)
        while low < high {
            let middle = (low + high) / 2
            if Self.precedes(item, firsts[middle], position) { high = middle } else { low = middle + 1 }
        }
        return max(0, low - 1)
    }

    private mutating func place(_ item: Item, _ position: Positions) {
        count += 1
        guard !chunks.isEmpty else {
            chunks = [[item]]
            firsts = [item]
            return
        }
        let chunk = chunk(of: item, position)
        let index = Self.lowerBound(chunks[chunk], item, position)
        chunks[chunk].insert(item, at: index)
        if index == 0 { firsts[chunk] = item }
        guard chunks[chunk].count > Self.mostItems else { return }
        // What comes in order fills its chunks.
        let isLast = chunk == chunks.count - 1 && index == chunks[chunk].count - 1
        let kept = isLast ? chunks[chunk].count - 1 : chunks[chunk].count / 2
        let rest = Array(chunks[chunk][kept...])
        chunks[chunk].removeSubrange(kept...)
        chunks.insert(rest, at: chunk + 1)
        firsts.insert(rest[0], at: chunk + 1)
    }

    /// Removes an item that is there.
    mutating func remove(_ item: Item, _ position: Positions) {
        settle(position)
        guard !chunks.isEmpty else { return }
        let chunk = chunk(of: item, position)
        let index = Self.lowerBound(chunks[chunk], item, position)
        guard index < chunks[chunk].count, chunks[chunk][index].entry == item.entry else { return }
        count -= 1
        chunks[chunk].remove(at: index)
        guard let first = chunks[chunk].first else {
            chunks.remove(at: chunk)
            firsts.remove(at: chunk)
            return
        }
        firsts[chunk] = first
        joinNext(chunk)
    }

    /// Keeps chunks from becoming many and small.
    private mutating func joinNext(_ chunk: Int) {
        let next = chunk + 1
        guard next < chunks.count, chunks[chunk].count + chunks[next].count <= Self.mostItems / 4 else { return }
        chunks[chunk].append(contentsOf: chunks[next])
        chunks.remove(at: next)
        firsts.remove(at: next)
    }

    /// Hands over the items in order, until the body returns false; ``settle(_:)`` before.
    func forEach(_ body: (Item) -> Bool) {
        for chunk in chunks {
            for item in chunk {
                guard body(item) else { return }
            }
        }
    }
}
