extension FailureStoreLimits {
    /// Why the side queue of a group may not become so large; `nil` if it may. One that is full may shrink.
    package func refusal(ofSide group: String, from before: FailureCount, to after: FailureCount) -> FailureStoreError?
    {
        Self.refusal("the side queue of \(group)", before, after, records: sideRecords, bytes: sideBytes)
    }

    /// Why there may not be so many dead letters; `nil` if there may. Of too many some may go.
    package func refusal(ofDeadLetters before: FailureCount, to after: FailureCount) -> FailureStoreError? {
        Self.refusal("the store of dead letters", before, after, records: deadLetters, bytes: deadLetterBytes)
    }

    private static func refusal(
        _ part: @autoclosure () -> String, _ before: FailureCount, _ after: FailureCount, records: Int, bytes: Int
    ) -> FailureStoreError? {
        if after.records > max(records, before.records) {
            return FailureStoreError(.full, "\(part()) holds \(before.records) records, of \(records) at most")
        }
        if after.bytes > max(bytes, before.bytes) {
            return FailureStoreError(.full, "\(part()) holds \(before.bytes) bytes, of \(bytes) at most")
        }
        return nil
    }
}

extension FailureOperation {
    /// The longest name of a group, a source or a topic, in bytes.
    package static let longestName = 255
    /// The longest key, in bytes.
    package static let longestKey = 65_535

    /// Throws if a name or a key is too long.
    package func validate() throws {
        switch self {
        case .put(let entry), .putIfAbsent(let entry): try Self.validate(entry.name, key: entry.record.key)
        case .remove(let name): try Self.validate(name, key: nil)
        case .bury(let letter): try Self.validate(letter.name, key: letter.record.key)
        }
    }

    private static func validate(_ name: RecordName, key: ArraySlice<UInt8>?) throws {
        let names = [("group", name.group), ("source", name.partition.source), ("topic", name.partition.topic)]
        for (what, text) in names where text.utf8.count > longestName {
            throw FailureStoreError(
                .invalidName, "the \(what)'s name has \(text.utf8.count) bytes, of \(longestName) at most",
                isRetriable: false)
        }
        if let key, key.count > longestKey {
            throw FailureStoreError(
                .invalidName, "the key has \(key.count) bytes, of \(longestKey) at most", isRetriable: false)
        }
    }
}

extension FailureCount {
    /// Nothing.
    package static var zero: FailureCount { FailureCount(records: 0, bytes: 0) }

    /// Counts one more record.
    package mutating func add(_ more: Int) {
        records += 1
        bytes += more
    }

    /// Counts one record less.
    package mutating func remove(_ fewer: Int) {
        records -= 1
        bytes -= fewer
    }
}

extension SideEntry {
    /// The key that a held entry is kept under: a record without a key has the empty one.
    package var key: [UInt8] { record.key.map(Array.init) ?? [] }
}

extension DeadLetter {
    /// The entry that a letter becomes when it is moved back.
    package func requeued(dueMs: Int64) -> SideEntry {
        SideEntry(
            name: name, mode: .delayed, dueMs: dueMs, attempts: 0, rounds: 0, reason: reason, record: record)
    }
}
