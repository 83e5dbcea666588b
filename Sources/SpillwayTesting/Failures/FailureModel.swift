import Spillway

/// A failure store as plain dictionaries: slow, and easy to see that it is right.
struct FailureModel {
    let limits: FailureStoreLimits
    private(set) var entries: [RecordName: SideEntry] = [:]
    private(set) var letters: [RecordName: DeadLetter] = [:]

    init(_ limits: FailureStoreLimits) { self.limits = limits }

    func sideCount(_ group: String) -> FailureCount {
        let found = entries.values.filter { $0.name.group == group }
        return FailureCount(records: found.count, bytes: found.reduce(0) { $0 + $1.byteCount })
    }

    func letterCount(_ group: String?) -> FailureCount {
        let found = letters.values.filter { group == nil || $0.name.group == group }
        return FailureCount(records: found.count, bytes: found.reduce(0) { $0 + $1.byteCount })
    }

    /// Applies the operations; false, and nothing is changed, if a part would pass its limit.
    mutating func apply(_ operations: [FailureOperation]) -> Bool {
        var after = self
        for operation in operations {
            switch operation {
            case .put(let entry): after.entries[entry.name] = entry
            case .putIfAbsent(let entry):
                if after.entries[entry.name] == nil { after.entries[entry.name] = entry }
            case .remove(let name): after.entries[name] = nil
            case .bury(let letter):
                after.entries[letter.name] = nil
                after.letters[letter.name] = letter
            }
        }
        return take(after)
    }

    /// The number of letters that were there.
    mutating func discard(_ names: [RecordName]) -> Int { names.count { letters.removeValue(forKey: $0) != nil } }

    /// The number of letters that were moved; `nil`, and nothing is changed, if a side queue would pass its limit.
    mutating func requeue(_ names: [RecordName], dueMs: Int64) -> Int? {
        var after = self
        var moved = 0
        for name in names {
            guard let letter = after.letters.removeValue(forKey: name) else { continue }
            after.entries[name] = SideEntry(
                name: name, mode: .delayed, dueMs: dueMs, attempts: 0, rounds: 0, reason: letter.reason,
                record: letter.record)
            moved += 1
        }
        return take(after) ? moved : nil
    }

    private mutating func take(_ after: FailureModel) -> Bool {
        func passes(_ before: FailureCount, _ after: FailureCount, _ records: Int, _ bytes: Int) -> Bool {
            (after.records > records && after.records > before.records)
                || (after.bytes > bytes && after.bytes > before.bytes)
        }
        for group in Set(after.entries.values.map(\.name.group)) {
            if passes(sideCount(group), after.sideCount(group), limits.sideRecords, limits.sideBytes) { return false }
        }
        if passes(letterCount(nil), after.letterCount(nil), limits.deadLetters, limits.deadLetterBytes) {
            return false
        }
        self = after
        return true
    }

    private func entries(_ group: String, _ partition: TopicPartition, _ mode: SideEntry.Mode) -> [SideEntry] {
        entries.values.filter { $0.name.group == group && $0.name.partition == partition && $0.mode == mode }
            .sorted { $0.name < $1.name }
    }

    func held(_ group: String, _ partition: TopicPartition, _ key: [UInt8], from position: Position) -> [SideEntry] {
        entries(group, partition, .held).filter { entry in
            (entry.record.key.map(Array.init) ?? []) == key && entry.name.position >= position
        }
    }

    func heldKeys(_ group: String, _ partition: TopicPartition) -> [HeldKeySummary] {
        let byKey = Dictionary(grouping: entries(group, partition, .held)) { $0.record.key.map(Array.init) ?? [] }
        return byKey.map { key, entries in
            HeldKeySummary(
                key: key, records: entries.count, first: entries[0].name.position, dueMs: entries[0].dueMs)
        }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }

    func delayed(_ group: String, _ partition: TopicPartition, by dueMs: Int64) -> [SideEntry] {
        entries(group, partition, .delayed).filter { $0.dueMs <= dueMs }.sorted { left, right in
            left.dueMs == right.dueMs ? left.name < right.name : left.dueMs < right.dueMs
        }
    }

    func letters(_ group: String?, after name: RecordName?) -> [DeadLetter] {
        letters.values.filter { letter in
            (group == nil || letter.name.group == group) && (name.map { $0 < letter.name } ?? true)
        }.sorted { $0.name < $1.name }
    }
}
