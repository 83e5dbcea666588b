internal import Spillway

extension FailureGroup {
    /// Puts the difference between what is staged and what is stored into a batch. Blocks.
    func write(into batch: WriteBatch) throws -> Change {
        var rows = FailureRows(batch, tables)
        rows.change.letters = letters
        for index in slots.indices {
            writeEntry(index, &rows)
            writeLetter(index, &rows)
        }
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
        let place = places[slot.place]
        switch slot.entry {
        case .stored: break
        case .gone:
            guard let stored = slot.storedEntry else { return }
            rows.remove(stored, key: storedKeys[index] ?? [], place.call.prefix, slot.position)
            rows.removeName(place.call.prefix, slot.position)
            rows.change.entries.append((place.known, slot.position, nil))
        case .put(let call, let number):
            let operation = operation(call, number)
            let key = operation.mode == .held ? calls[call].bytes[operation.key] : []
            if let stored = slot.storedEntry {
                rows.remove(stored, key: storedKeys[index] ?? [], place.call.prefix, slot.position)
            }
            rows.put(operation, key: key, calls[call].bytes, place.call.prefix)
            rows.change.entries.append(
                (
                    place.known, slot.position,
                    operation.mode == .held
                        ? .held : .delayed(dueMs: operation.dueMs, byteCount: operation.byteCount)
                ))
        }
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

/// The rows of a batch, made in buffers that all of them share.
private struct FailureRows {
    private let batch: WriteBatch
    private let tables: FailureTables
    private var key: [UInt8] = []
    private var value: [UInt8] = []
    var change = FailureGroup.Change()
    var held = HeldChanges()

    init(_ batch: WriteBatch, _ tables: FailureTables) {
        self.batch = batch
        self.tables = tables
    }

    /// Removes the row of an entry; the row of its name stays.
    mutating func remove(
        _ stored: FailureGroup.StoredEntry, key recordKey: [UInt8], _ prefix: [UInt8], _ position: Position
    ) {
        switch stored.mode {
        case .delayed: FailureKeys.makeDelayed(prefix, dueMs: stored.dueMs, position, in: &key)
        case .held:
            FailureKeys.makeHeld(prefix, recordKey, position, in: &key)
            held.removed(prefix, recordKey, position)
        }
        batch.delete(tables.side, key)
    }

    mutating func removeName(_ prefix: [UInt8], _ position: Position) {
        FailureKeys.make(FailureKeys.name, prefix, position, in: &key)
        batch.delete(tables.names, key)
    }

    mutating func put(
        _ entry: FailureCall.Operation, key recordKey: ArraySlice<UInt8>, _ bytes: [UInt8], _ prefix: [UInt8]
    ) {
        switch entry.mode {
        case .delayed:
            FailureKeys.makeDelayed(prefix, dueMs: entry.dueMs, entry.position, in: &key)
            change.delayedRows.append(key)
        case .held:
            FailureKeys.makeHeld(prefix, recordKey, entry.position, in: &key)
            held.added(prefix, Array(recordKey), entry.position, dueMs: entry.dueMs)
        }
        put(tables.side, bytes, entry.value)
        FailureKeys.make(FailureKeys.name, prefix, entry.position, in: &key)
        FailureEncoding.makeLocation(
            entry.mode, dueMs: entry.dueMs, byteCount: entry.byteCount, key: recordKey, in: &value)
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
