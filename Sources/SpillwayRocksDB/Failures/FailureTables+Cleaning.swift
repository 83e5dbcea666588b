internal import Spillway

extension FailureTables {
    /// Writes blocks of some places anew of which little is left, if much has gone there in all; not synced. Called by the
    /// writer between its batches. Blocks.
    func clean(_ places: [SidePlace]) { for place in places { clean(place) } }

    private func clean(_ place: SidePlace) {
        let worn = place.withIndex { $0.wornBlocks(most: 64) }
        guard !worn.isEmpty else { return }
        // One that can't be read stays, and who reads its entries hears why.
        let left = worn.flatMap { (try? remainders(of: $0, in: place)) ?? [] }
            .sorted { ($0.item.dueMs, $0.item.position) < ($1.item.dueMs, $1.item.position) }
        let batch = WriteBatch()
        var change = FailureGroup.SideChange(self, [place])
        var builder = SideBlockBuilder(batch, side, place: place.prefix)
        for entry in left {
            change.removed(0, entry.item.position, .init(block: entry.block, start: entry.item.start))
            builder.add(
                entry.item.position, dueMs: entry.item.dueMs, byteCount: Int(entry.item.byteCount), entry.value,
                number: takeNumber)
        }
        builder.finish(number: takeNumber)
        change.put(0, builder.blocks)
        change.writeRemovals(into: batch)
        guard (try? database.append(batch)) != nil else { return }
        drop(index.apply(change.index))
    }

    private func remainders(of block: UInt64, in place: SidePlace) throws -> [Remainder] {
        guard let row = try database.get(side, SideBlock.key(block)) else { return [] }
        let items = try SideBlock(number: block, row).items
        return place.withIndex { index in items.filter { index.isThere($0, in: block) } }.map { item in
            Remainder(block: block, item: item, value: row[Int(item.start)..<Int(item.start + item.length)])
        }
    }
}

/// An entry that is left in a block of which most has gone.
private struct Remainder {
    let block: UInt64
    let item: SideBlock.Item
    let value: ArraySlice<UInt8>
}
