internal import Spillway

extension FailureGroup {
    /// Puts the difference between what is staged and what is stored into a batch. Blocks.
    func write(into batch: WriteBatch) throws -> Change {
        var rows = FailureRows(batch, tables, places.map(\.side))
        rows.change.letters = letters
        for index in slots.indices {
            writeEntry(index, &rows)
            writeLetter(index, &rows)
        }
        writeBlocks(&rows, batch)
        try rows.held.write(into: batch, tables)
        for group in groups where group.counts != group.stored {
            rows.change.groups[group.key] = group.counts
            Self.write(group.counts.side, group.stored.side, of: group, tables.side, batch)
            Self.write(group.counts.letters, group.stored.letters, of: group, tables.letters, batch)
        }
        return rows.change
    }

    private func writeEntry(_ index: Int, _ rows: inout FailureRows) {
        let slot = slots[index]
        func removeStored() {
            guard let stored = slot.storedEntry else { return }
            rows.remove(
                stored, key: storedKeys[index] ?? [], slot.place, places[slot.place].call.prefix, slot.position)
        }
        switch slot.entry {
        case .stored: break
        case .gone: removeStored()
        case .put(let call, let number):
            removeStored()
            let operation = operation(call, number)
            switch operation.mode {
            case .held:
                rows.putHeld(
                    operation, key: calls[call].bytes[operation.key], calls[call].bytes, slot.place,
                    places[slot.place].call.prefix)
            case .delayed:
                rows.delayed.append(
                    DelayedPut(
                        place: slot.place, dueMs: operation.dueMs, position: slot.position, call: call,
                        operation: number))
            }
        }
    }

    /// Writes the delayed entries that are put, as blocks.
    private func writeBlocks(_ rows: inout FailureRows, _ batch: WriteBatch) {
        rows.delayed.sort { ($0.place, $0.dueMs, $0.position) < ($1.place, $1.dueMs, $1.position) }
        var rest = rows.delayed[...]
        while let first = rest.first {
            let place = places[first.place]
            var builder = SideBlockBuilder(batch, tables.side, place: place.call.prefix)
            while let put = rest.first, put.place == first.place {
                let operation = operation(put.call, put.operation)
                builder.add(
                    put.position, dueMs: put.dueMs, byteCount: operation.byteCount,
                    calls[put.call].bytes[operation.value], number: tables.takeNumber)
                rest.removeFirst()
            }
            builder.finish(number: tables.takeNumber)
            rows.side.put(first.place, builder.blocks)
        }
        rows.side.writeRemovals(into: batch)
        rows.change.side = rows.side.index
    }

    private func writeLetter(_ index: Int, _ rows: inout FailureRows) {
        let slot = slots[index]
        switch slot.letter {
        case .stored: break
        case .gone:
            if slot.storedLetterBytes != nil { rows.removeLetter(places[slot.place].call.prefix, slot.position) }
        case .put(let call, let number):
            rows.putLetter(operation(call, number), calls[call].bytes, places[slot.place].call.prefix)
        }
    }

    private static func write(
        _ count: FailureCount, _ stored: FailureCount, of group: Group, _ family: ColumnFamily, _ batch: WriteBatch
    ) {
        guard count != stored else { return }
        let key = [FailureKeys.count] + group.key
        if count.records == 0 {
            batch.delete(family, key)
        } else {
            batch.put(family, key, FailureEncoding.value(count))
        }
    }
}

/// A delayed entry that is put: its place among those of the group of calls, and which operation it is.
private struct DelayedPut {
    let place: Int
    let dueMs: Int64
    let position: Position
    let call: Int
    let operation: Int
}

extension FailureGroup {
    /// What a batch changes in the side queues' blocks, beside the blocks' own rows.
    struct SideChange {
        private let tables: FailureTables
        private(set) var index = SideIndex.Change()
        private var removals: [SideRemovals.Entry] = []

        /// - Parameter places: those that the change may concern; below they are meant by their indexes.
        init(_ tables: FailureTables, _ places: [SidePlace]) {
            self.tables = tables
            index.places = places.map { SideIndex.PlaceChange(place: $0) }
        }

        /// An entry leaves the side queue; `entry` says which block it was in, if it was in one.
        mutating func removed(_ place: Int, _ position: Position, _ entry: SideRemovals.Entry?) {
            index.places[place].removed.append(position)
            if let entry { removals.append(entry) }
        }

        mutating func put(_ place: Int, _ blocks: [SideBlock]) { index.places[place].blocks += blocks }

        mutating func held(_ place: Int, _ position: Position, byteCount: Int) {
            index.places[place].held.append((position, byteCount))
        }

        /// Writes the row that says which entries have left their blocks.
        mutating func writeRemovals(into batch: WriteBatch) {
            guard !removals.isEmpty else { return }
            let number = tables.takeNumber()
            index.removal = number
            batch.put(tables.side, SideRemovals.key(number), SideRemovals.value(removals))
        }
    }
}

/// The rows of a batch, made in buffers that all of them share.
private struct FailureRows {
    private let batch: WriteBatch
    private let tables: FailureTables
    private var key: [UInt8] = []
    private var value: [UInt8] = []
    var change = FailureGroup.Change()
    var side: FailureGroup.SideChange
    var held = HeldChanges()
    var delayed: [DelayedPut] = []

    init(_ batch: WriteBatch, _ tables: FailureTables, _ places: [SidePlace]) {
        self.batch = batch
        self.tables = tables
        side = FailureGroup.SideChange(tables, places)
    }

    /// - Parameter place: its index among those of the group of calls.
    mutating func remove(
        _ stored: SideIndex.Location, key recordKey: [UInt8], _ place: Int, _ prefix: [UInt8], _ position: Position
    ) {
        switch stored {
        case .delayed(_, let entry): side.removed(place, position, entry)
        case .held:
            side.removed(place, position, nil)
            held.removed(prefix, recordKey, position)
            FailureKeys.makeHeld(prefix, recordKey, position, in: &key)
            batch.delete(tables.side, key)
            FailureKeys.make(FailureKeys.name, prefix, position, in: &key)
            batch.delete(tables.names, key)
        }
    }

    mutating func putHeld(
        _ entry: FailureCall.Operation, key recordKey: ArraySlice<UInt8>, _ bytes: [UInt8], _ place: Int,
        _ prefix: [UInt8]
    ) {
        side.held(place, entry.position, byteCount: entry.byteCount)
        held.added(prefix, Array(recordKey), entry.position, dueMs: entry.dueMs)
        FailureKeys.makeHeld(prefix, recordKey, entry.position, in: &key)
        put(tables.side, bytes, entry.value)
        FailureKeys.make(FailureKeys.name, prefix, entry.position, in: &key)
        FailureEncoding.makeLocation(
            .held, dueMs: entry.dueMs, byteCount: entry.byteCount, key: recordKey, in: &value)
        batch.put(tables.names, key, value)
    }

    mutating func removeLetter(_ prefix: [UInt8], _ position: Position) {
        FailureKeys.make(FailureKeys.letter, prefix, position, in: &key)
        batch.delete(tables.letters, key)
    }

    mutating func putLetter(_ letter: FailureCall.Operation, _ bytes: [UInt8], _ prefix: [UInt8]) {
        FailureKeys.make(FailureKeys.letter, prefix, letter.position, in: &key)
        put(tables.letters, bytes, letter.value)
        change.letterRows.append(key)
    }

    private func put(_ family: ColumnFamily, _ bytes: [UInt8], _ value: Range<Int>) {
        unsafe key.withUnsafeBytes { key in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe batch.put(family, key, UnsafeRawBufferPointer(rebasing: bytes[value]))
            }
        }
    }
}
