internal import Spillway

extension FailureTables {
    func heldKeys(_ group: String, _ partition: TopicPartition) throws -> [HeldKeySummary] {
        let prefix = FailureKeys.partition(FailureKeys.summary, group, partition)
        var found: [HeldKeySummary] = []
        try database.forEachRow(side, prefix: prefix) { row, value in
            let summary = try FailureEncoding.summary(value)
            // Behind the length of the key.
            let key = Array(row.dropFirst(prefix.count + 4))
            found.append(
                HeldKeySummary(
                    key: key, records: summary.records, first: summary.first, dueMs: summary.dueMs))
        }
        return found
    }

    func heldEntries(
        _ group: String, _ partition: TopicPartition, key: [UInt8], from position: Position, limit: Int,
        maxBytes: Int = .max
    ) throws -> [SideEntry] {
        guard limit > 0, key.count <= FailureOperation.longestKey else { return [] }
        let view = database.snapshot()
        let place = FailureKeys.partition(FailureKeys.name, group, partition)
        let prefix = FailureKeys.held(in: place, key)
        let summaryRow = FailureKeys.held(FailureKeys.summary, in: place, key)
        // The summary knows where the first one is, so that what removed rows have left before it is not read.
        let summary = try database.get(side, summaryRow, options: .init(snapshot: view))
        guard let summary = try summary.map(FailureEncoding.summary) else { return [] }
        var lower = prefix
        FailureKeys.append(max(position, summary.first), to: &lower)
        let rows = database.iterator(
            side, .init(lower: lower, upper: Database.end(ofPrefix: prefix), read: .init(snapshot: view)))
        var found: [SideEntry] = []
        var bytes = 0
        rows.seekToFirst()
        while rows.isValid, found.count < limit, bytes < maxBytes || found.isEmpty {
            let position = unsafe rows.withKey { unsafe FailureKeys.position(endOf: $0) }
            let name = RecordName(group: group, partition: partition, position: position)
            let entry = try FailureEncoding.entry(rows.value, name: name)
            bytes += entry.byteCount
            found.append(entry)
            rows.next()
        }
        try rows.check()
        return found
    }

    func delayedEntries(
        _ group: String, _ partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int = .max
    ) throws -> [SideEntry] {
        guard limit > 0 else { return [] }
        let place = FailureKeys.partition(FailureKeys.name, group, partition)
        let (found, values) = try due(place, byMs: dueByMs, limit: limit, maxBytes: maxBytes)
        let storage = RecordStorage(bytes: values)
        var start = 0
        return try found.map { reference in
            let value = start..<(start + Int(reference.length))
            start = value.upperBound
            let name = RecordName(group: group, partition: partition, position: reference.position)
            return try FailureEncoding.entry(storage, in: value, name: name)
        }
    }

    func nextDelayedDueMs(_ group: String, _ partition: TopicPartition) -> Int64? {
        let place = FailureKeys.partition(FailureKeys.name, group, partition)
        return index.find(place)?.withIndex { $0.nextDueMs() }
    }

    func deadLetters(group: String?, after name: RecordName?, limit: Int) throws -> [DeadLetter] {
        let prefix = group.map { FailureKeys.group(FailureKeys.letter, $0) } ?? [FailureKeys.letter]
        guard limit > 0, let end = Database.end(ofPrefix: prefix) else { return [] }
        var lower = prefix
        if let name {
            let behind = FailureKeys.letter(name) + [0]
            if lower.precedes(behind) { lower = behind }
        }
        var found: [DeadLetter] = []
        try unsafe walkLetters(from: lower, to: end) { key, value in
            let name = try unsafe FailureKeys.parseLetter([UInt8](key))
            found.append(try unsafe FailureEncoding.letter([UInt8](value), name: name))
            return found.count < limit
        }
        return found
    }

    func deadLetter(_ name: RecordName) throws -> DeadLetter? {
        let value = try database.get(letters, FailureKeys.letter(name))
        return try value.map { try FailureEncoding.letter($0, name: name) }
    }
}
