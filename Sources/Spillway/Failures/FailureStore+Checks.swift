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
    /// The longest key that can be held, in bytes: held entries are found by it. One of a delayed entry or a letter may
    /// have any length, so that there is a way out for every record of a log.
    package static let longestKey = 65_535

    /// Throws if a name is too long, or a key to be held under it.
    package func validate() throws {
        switch self {
        case .put(let entry), .putIfAbsent(let entry):
            try Self.validate(entry.name)
            if entry.mode == .held, let refusal = Self.refusal(toHold: entry.record.key) { throw refusal }
        case .remove(let name): try Self.validate(name)
        case .bury(let letter): try Self.validate(letter.name)
        }
    }

    private static func validate(_ name: RecordName) throws {
        try validate(name.group, "group")
        try validate(name.partition.source, "source")
        try validate(name.partition.topic, "topic")
    }

    private static func validate(_ text: String, _ what: StaticString) throws {
        guard text.utf8.count > longestName else { return }
        throw FailureStoreError(
            .invalidName, "the \(what)'s name has \(text.utf8.count) bytes, of \(longestName) at most",
            isRetriable: false)
    }

    /// Why no record of a key can be held; `nil` if it can.
    package static func refusal(toHold key: ArraySlice<UInt8>?) -> FailureStoreError? {
        guard let key, key.count > longestKey else { return nil }
        return FailureStoreError(
            .invalidName, "a held key has at most \(longestKey) bytes, and this one \(key.count)", isRetriable: false)
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
