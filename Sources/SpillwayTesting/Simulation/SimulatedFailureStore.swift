import Spillway

/// The simulation's failure store: what is in it survives every process.
struct SimulatedFailureStore: Sendable {
    private(set) var entries: [RecordName: SideEntry] = [:]
    private(set) var buried: Set<RecordName> = []
    /// The last generation that opened a partition.
    private(set) var generations: [TopicPartition: UInt64] = [:]
    /// The most entries.
    var limit = Int.max

    /// Applies all operations or none.
    ///
    /// - Returns: false if there is no room.
    mutating func apply(_ operations: [FailureOperation]) -> Bool {
        var next = self
        for operation in operations {
            switch operation {
            case .put(let entry): next.entries[entry.name] = entry
            case .putIfAbsent(let entry): if next.entries[entry.name] == nil { next.entries[entry.name] = entry }
            case .remove(let name): next.entries[name] = nil
            case .bury(let letter):
                next.entries[letter.name] = nil
                next.buried.insert(letter.name)
            }
        }
        guard next.entries.count <= max(limit, entries.count) else { return false }
        self = next
        return true
    }

    mutating func open(_ partition: TopicPartition, generation: UInt64) {
        generations[partition] = max(generation, generations[partition] ?? 0)
    }

    /// True if none of the partitions has a later owner.
    func admits(_ owned: [TopicPartition: UInt64]) -> Bool {
        owned.allSatisfy { $0.value >= generations[$0.key] ?? 0 }
    }

    /// Forgets an entry, as no store may.
    mutating func lose(_ name: RecordName) { entries[name] = nil }

    func heldKeys(_ partition: TopicPartition) -> [HeldKeySummary] {
        var keys: [[UInt8]: [SideEntry]] = [:]
        for entry in entries.values where entry.mode == .held && entry.name.partition == partition {
            keys[Array(entry.record.key ?? []), default: []].append(entry)
        }
        return keys.map { key, entries in
            let sorted = entries.sorted { $0.name < $1.name }
            return HeldKeySummary(
                key: key, records: sorted.count, first: sorted[0].name.position,
                last: sorted[sorted.count - 1].name.position, dueMs: sorted[0].dueMs)
        }.sorted { $0.first < $1.first }
    }

    func heldEntries(_ partition: TopicPartition, _ key: [UInt8], from position: Position, limit: Int) -> [SideEntry] {
        entries.values.filter {
            $0.mode == .held && $0.name.partition == partition && Array($0.record.key ?? []) == key
                && $0.name.position >= position
        }.sorted { $0.name < $1.name }.prefix(limit).map { $0 }
    }

    func delayedEntries(_ partition: TopicPartition, dueByMs: Int64, limit: Int) -> [SideEntry] {
        entries.values.filter { $0.mode == .delayed && $0.name.partition == partition && $0.dueMs <= dueByMs }
            .sorted { ($0.dueMs, $0.name.position) < ($1.dueMs, $1.name.position) }.prefix(limit).map { $0 }
    }

    func nextDelayedDueMs(_ partition: TopicPartition) -> Int64? {
        entries.values.filter { $0.mode == .delayed && $0.name.partition == partition }.map(\.dueMs).min()
    }
}
