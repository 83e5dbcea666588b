import Spillway

/// The simulation's failure store: what is in it survives every process. It has the entries of one group.
struct SimulatedFailureStore: Sendable {
    /// An entry's place in the order in which it is read: by due time where that counts, then by position.
    private struct Place: Sendable, Comparable {
        var dueMs: Int64
        var name: RecordName

        static func < (left: Self, right: Self) -> Bool {
            (left.dueMs, left.name.position) < (right.dueMs, right.name.position)
        }
    }

    /// A partition's entries, ascending.
    private struct Index: Sendable {
        /// By key; their due times are taken as zero.
        var held: [[UInt8]: [Place]] = [:]
        var delayed: [Place] = []
    }

    private(set) var entries: [RecordName: SideEntry] = [:]
    private(set) var buried: Set<RecordName> = []
    /// The last generation that opened a partition.
    private(set) var generations: [TopicPartition: UInt64] = [:]
    private var indices: [TopicPartition: Index] = [:]
    /// How many bytes the largest entry had that was ever here.
    private(set) var largestEntry = 0
    /// The most entries.
    var limit = Int.max

    /// Applies all operations or none.
    ///
    /// - Returns: false if there is no room.
    mutating func apply(_ operations: [FailureOperation]) -> Bool {
        let most = max(limit, entries.count)
        var replaced: [(name: RecordName, entry: SideEntry?)] = []
        var letters: [RecordName] = []
        replaced.reserveCapacity(operations.count)
        for operation in operations {
            switch operation {
            case .put(let entry): replaced.append((entry.name, replace(entry.name, by: entry)))
            case .putIfAbsent(let entry):
                if entries[entry.name] == nil { replaced.append((entry.name, replace(entry.name, by: entry))) }
            case .remove(let name): replaced.append((name, replace(name, by: nil)))
            case .bury(let letter):
                replaced.append((letter.name, replace(letter.name, by: nil)))
                if buried.insert(letter.name).inserted { letters.append(letter.name) }
            }
        }
        if entries.count <= most { return true }
        // All of it is taken back, the last change first: a name may have been changed twice.
        for (name, entry) in replaced.reversed() { replace(name, by: entry) }
        for name in letters { buried.remove(name) }
        return false
    }

    mutating func open(_ partition: TopicPartition, generation: UInt64) {
        generations[partition] = max(generation, generations[partition] ?? 0)
    }

    /// True if none of the partitions has a later owner.
    func admits(_ owned: [TopicPartition: UInt64]) -> Bool {
        owned.allSatisfy { $0.value >= generations[$0.key] ?? 0 }
    }

    /// Forgets an entry, as no store may.
    mutating func lose(_ name: RecordName) { replace(name, by: nil) }

    /// Puts an entry in the place of another, or of none.
    ///
    /// - Returns: the other.
    @discardableResult
    private mutating func replace(_ name: RecordName, by entry: SideEntry?) -> SideEntry? {
        let old = entries[name]
        if let old { change(old) { $0.remove(at: $0.place(of: $1)) } }
        entries[name] = entry
        largestEntry = max(largestEntry, entry?.byteCount ?? 0)
        if let entry { change(entry) { $0.insert($1, at: $0.place(of: $1)) } }
        return old
    }

    private mutating func change(_ entry: SideEntry, _ body: (inout [Place], Place) -> Void) {
        let partition = entry.name.partition
        switch entry.mode {
        case .held:
            let key = Array(entry.record.key ?? [])
            body(&indices[partition, default: Index()].held[key, default: []], Place(dueMs: 0, name: entry.name))
            if indices[partition]?.held[key]?.isEmpty == true { indices[partition]?.held[key] = nil }
        case .delayed:
            body(&indices[partition, default: Index()].delayed, Place(dueMs: entry.dueMs, name: entry.name))
        }
    }

    // MARK: Reading

    func heldKeys(_ partition: TopicPartition) -> [HeldKeySummary] {
        guard let held = indices[partition]?.held else { return [] }
        return held.compactMap { key, places -> HeldKeySummary? in
            guard let first = places.first?.name, let entry = entries[first] else {
                return nil
            }
            return HeldKeySummary(
                key: key, records: places.count, first: first.position, dueMs: entry.dueMs)
        }.sorted { $0.first < $1.first }
    }

    func heldEntries(
        _ partition: TopicPartition, _ key: [UInt8], from position: Position, limit: Int, maxBytes: Int
    ) -> [SideEntry] {
        guard let places = indices[partition]?.held[key] else { return [] }
        let first = places.firstPlace { $0.name.position >= position }
        return places[first...].prefix(limit).compactMap { entries[$0.name] }.prefix(bytes: maxBytes)
    }

    func delayedEntries(_ partition: TopicPartition, dueByMs: Int64, limit: Int, maxBytes: Int) -> [SideEntry] {
        guard let places = indices[partition]?.delayed else { return [] }
        return places.prefix(limit).prefix { $0.dueMs <= dueByMs }.compactMap { entries[$0.name] }
            .prefix(bytes: maxBytes)
    }

    func nextDelayedDueMs(_ partition: TopicPartition) -> Int64? { indices[partition]?.delayed.first?.dueMs }

    /// What an engine hears that wants to read.
    ///
    /// - Parameter isBounded: false for a store that passes over limits in bytes.
    func answer(_ load: SideLoad, isBounded: Bool = true) -> SideLoaded {
        switch load {
        case .held(_, let partition, let key, let position, let limit, let maxBytes, _, _):
            SideLoaded(
                entries: heldEntries(
                    partition, key, from: position, limit: limit, maxBytes: isBounded ? maxBytes : .max))
        case .delayed(_, let partition, let dueByMs, let limit, let maxBytes, _):
            SideLoaded(
                entries: delayedEntries(
                    partition, dueByMs: dueByMs, limit: limit, maxBytes: isBounded ? maxBytes : .max),
                nextDueMs: nextDelayedDueMs(partition))
        }
    }
}

extension Array {
    /// The first place for whose element, and for those of all places behind it, the predicate holds.
    fileprivate func firstPlace(where holds: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension Array where Element: Comparable {
    /// Where an element stands, or is to be put, in ascending order.
    fileprivate func place(of element: Element) -> Int { firstPlace { $0 >= element } }
}
