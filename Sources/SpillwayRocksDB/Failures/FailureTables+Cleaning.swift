internal import Spillway

extension FailureTables {
    /// Writes blocks anew of which little is left, if much has gone in all; not synced. Called by the
    /// writer between its batches. Blocks.
    func clean() {
        let worn = withIndex { $0.wornBlocks(most: 64) }
        guard !worn.isEmpty else { return }
        // One that can't be read stays, and who reads its entries hears why.
        let left = worn.flatMap { (try? remainders(of: $0)) ?? [] }
        let batch = WriteBatch()
        var change = FailureGroup.SideChange(self)
        for (place, entries) in Dictionary(grouping: left, by: { $0.place }) {
            var builder = SideBlockBuilder(batch, side, place: withIndex { $0.prefix(of: place) })
            for entry in entries.sorted(by: { ($0.item.dueMs, $0.item.position) < ($1.item.dueMs, $1.item.position) }) {
                change.removed(place, entry.item.position, .init(block: entry.block, start: entry.item.start))
                builder.add(
                    entry.item.position, dueMs: entry.item.dueMs, byteCount: Int(entry.item.byteCount), entry.value,
                    number: takeNumber)
            }
            builder.finish(number: takeNumber)
            for block in builder.blocks { change.put(place, block) }
        }
        change.writeRemovals(into: batch)
        guard (try? database.append(batch)) != nil else { return }
        drop(withIndex { $0.apply(change.index) })
    }

    private func remainders(of worn: SideIndex.WornBlock) throws -> [Remainder] {
        var key: [UInt8] = []
        SideBlock.makeKey(withIndex { $0.prefix(of: worn.place) }, dueMs: worn.dueMs, number: worn.number, in: &key)
        guard let row = try database.get(side, key) else { return [] }
        let items = try SideBlock(number: worn.number, row).items
        return withIndex { index in items.filter { index.isThere($0, in: worn) } }.map { item in
            Remainder(
                place: worn.place, block: worn.number, item: item,
                value: row[Int(item.start)..<Int(item.start + item.length)])
        }
    }
}

/// An entry that is left in a block of which most has gone.
private struct Remainder {
    let place: Int
    let block: UInt64
    let item: SideBlock.Item
    let value: ArraySlice<UInt8>
}
