import Spillway

/// What a simulation's world knows of the truth: every record, and which of them have taken effect.
struct SimulationLedger: Sendable {
    struct Entry: Sendable {
        var position: Position
        var key: Int
        /// The how-manieth of its key it is.
        var indexInKey: Int
        var padding: Int
        var hasEffect = false
        /// Its key may go on before it.
        var isWaived = false
        /// It was handled behind a record that may have had to stay, and comes again then.
        var mayRepeat = false
        /// The generation under which it took effect last.
        var generation: UInt64 = 0
        /// What it carries; `nil` if that doesn't matter.
        var message: Message?
        /// How often it was handed to a handler.
        var deliveries = 0
        /// How often it took effect.
        var effects = 0
        /// It is among the dead letters, or given up without any.
        var isBuried = false
    }

    struct Partition: Sendable {
        var entries: [Entry] = []
        var nextOfKey: [Int: Int] = [:]
        /// What of a key took effect last, and under which generation.
        var lastOfKey: [Int: (indexInKey: Int, generation: UInt64)] = [:]
        /// How many entries at the front have taken effect.
        var prefix = 0
        /// The same, as if no operator had ever gone back.
        var reached = 0
        /// Which entries a key has, in order.
        var entriesOfKey: [Int: [Int]] = [:]
    }

    var partitions: [Partition]
    /// Order is kept per key, per partition (every key is one) or not at all.
    let order: OrderMode

    init(_ plan: SimulationPlan, _ random: inout SeededRandom) {
        order = plan.settings.order
        partitions = []
        for number in 0..<plan.partitions {
            var partition = Partition()
            // Some logs have a record at the first place that there can be.
            var position = number.isMultiple(of: 2) ? .start : Position(high: 1, low: 7)
            var badLeft = plan.badRecordsPerPartition
            for _ in 0..<plan.recordsPerPartition {
                // Positions have gaps, and now and then the log has a new epoch.
                let gap = UInt64.random(in: 1...4, using: &random)
                if !partition.entries.isEmpty { position.low += gap }
                if random.chance(0.01) { position = Position(high: position.high + 1, low: 1) }
                var key = Int.random(in: 0..<plan.keys, using: &random)
                if plan.badKeys.contains(key) {
                    if badLeft == 0 { key = plan.keys - 1 } else { badLeft -= 1 }
                }
                let index = partition.entriesOfKey[key, default: []].count
                partition.entriesOfKey[key, default: []].append(partition.entries.count)
                partition.entries.append(
                    Entry(
                        position: position, key: key, indexInKey: index,
                        padding: Int.random(in: 0...20, using: &random)))
            }
            partitions.append(partition)
        }
    }

    /// A ledger of nothing.
    init(partitions count: Int, order: OrderMode) {
        self.order = order
        partitions = Array(repeating: Partition(), count: count)
    }

    mutating func append(_ message: Message, key: Int, at position: Position, to number: Int) {
        let index = partitions[number].entriesOfKey[key, default: []].count
        partitions[number].entriesOfKey[key, default: []].append(partitions[number].entries.count)
        partitions[number].entries.append(
            Entry(position: position, key: key, indexInKey: index, padding: 0, message: message))
    }

    var isComplete: Bool { partitions.allSatisfy { $0.prefix == $0.entries.count } }

    func record(_ partition: Int, _ index: Int, keyless: Bool) -> Record {
        let entry = partitions[partition].entries[index]
        if let message = entry.message {
            return Record(
                key: keyless ? nil : message.key, value: message.value, position: entry.position,
                timestampMs: message.timestampMs ?? Int64(index), headers: message.headers)
        }
        let value = withUnsafeBytes(of: UInt32(index).littleEndian) { Array($0) }
        return Record(
            key: keyless ? nil : [UInt8(entry.key)], value: value + Array(repeating: 0, count: entry.padding),
            position: entry.position, timestampMs: Int64(index))
    }

    /// Which entry a record is.
    func index(_ partition: Int, of record: Record) -> Int {
        record.position.map { firstIndex(partition, atOrAfter: $0) } ?? 0
    }

    /// The first entry at or after a position.
    func firstIndex(_ partition: Int, atOrAfter position: Position) -> Int {
        let entries = partitions[partition].entries
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].position < position { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// A record takes effect, or is given up: final either way.
    mutating func effect(_ number: Int, _ index: Int, generation: UInt64) throws(SimulationViolation) {
        let entry = partitions[number].entries[index]
        // A delayed record whose commit was lost comes from the log and from the side queue.
        guard entry.generation != generation || entry.isWaived || entry.mayRepeat else {
            throw SimulationViolation("repeat: record \(index) of partition \(number) twice in one assignment")
        }
        partitions[number].entries[index].generation = generation
        switch order {
        case .none: break
        case .partition:
            guard index <= partitions[number].reached else {
                throw SimulationViolation("order: record \(index) of partition \(number) before earlier ones")
            }
            partitions[number].reached = max(partitions[number].reached, index + 1)
        case .key:
            let next = partitions[number].nextOfKey[entry.key, default: 0]
            guard entry.indexInKey <= next || entry.isWaived else {
                throw SimulationViolation(
                    "order: record \(entry.indexInKey) of key \(entry.key) in partition \(number) before \(next)")
            }
            if entry.indexInKey == next { partitions[number].nextOfKey[entry.key] = next + 1 }
            passWaived(number, key: entry.key)
            try replay(number, entry, generation)
        }
        partitions[number].entries[index].effects += 1
        noteEffect(number, index)
    }

    /// What comes again comes with everything behind it: else an old record would have the last word.
    private mutating func replay(_ number: Int, _ entry: Entry, _ generation: UInt64) throws(SimulationViolation) {
        let last = partitions[number].lastOfKey[entry.key]
        // An earlier owner of the partition that has not heard yet that it is one: its handler fences itself.
        if let last, generation < last.generation { return }
        if entry.isWaived { return }
        let entries = partitions[number].entriesOfKey[entry.key] ?? []
        let from = last.map { $0.indexInKey + 1 } ?? 0
        if from < entry.indexInKey,
            let left = (from..<entry.indexInKey).first(where: { !partitions[number].entries[entries[$0]].isWaived })
        {
            throw SimulationViolation(
                "replay: record \(entry.indexInKey) of key \(entry.key) in partition \(number) before \(left) again")
        }
        partitions[number].lastOfKey[entry.key] = (entry.indexInKey, generation)
    }

    /// A handler that keeps its own positions begins at one of them: what is before it has taken effect, whether anybody
    /// heard of that or not.
    mutating func pass(
        _ number: Int, below position: Position, generation: UInt64, isStored: (Position) -> Bool
    ) throws(SimulationViolation) {
        for index in 0..<firstIndex(number, atOrAfter: position) {
            let entry = partitions[number].entries[index]
            if entry.hasEffect || isStored(entry.position) { continue }
            guard entry.deliveries > 0 else {
                throw SimulationViolation(
                    "position: a handler begins partition \(number) at \(position), and was not given record \(index)")
            }
            try effect(number, index, generation: generation)
        }
    }

    /// The last record of each key had the last word.
    func checkLast() throws(SimulationViolation) {
        guard order == .key else { return }
        for (number, partition) in partitions.enumerated() {
            for (key, entries) in partition.entriesOfKey {
                let newest = entries.last { !partition.entries[$0].isWaived }
                guard let newest, let last = partition.lastOfKey[key] else { continue }
                if last.indexInKey < partition.entries[newest].indexInKey {
                    throw SimulationViolation(
                        "replay: record \(last.indexInKey) of key \(key) in partition \(number) had the last word")
                }
            }
        }
    }

    /// A record was handled behind one of its lane that was to be moved away.
    mutating func allowRepeat(_ number: Int, _ index: Int) { partitions[number].entries[index].mayRepeat = true }

    /// Lets the key of a record go on before it: order is waived for the record.
    mutating func waive(_ number: Int, _ index: Int) {
        partitions[number].entries[index].isWaived = true
        passWaived(number, key: partitions[number].entries[index].key)
    }

    private mutating func passWaived(_ number: Int, key: Int) {
        let entries = partitions[number].entriesOfKey[key] ?? []
        var next = partitions[number].nextOfKey[key, default: 0]
        while next < entries.count, partitions[number].entries[entries[next]].isWaived { next += 1 }
        partitions[number].nextOfKey[key] = next
    }

    /// A record is among the dead letters: that is final too.
    mutating func bury(_ number: Int, _ index: Int) {
        partitions[number].entries[index].isBuried = true
        noteEffect(number, index)
    }

    /// A record was handed to a handler.
    mutating func noteDelivery(_ number: Int, _ index: Int) { partitions[number].entries[index].deliveries += 1 }

    private mutating func noteEffect(_ number: Int, _ index: Int) {
        partitions[number].entries[index].hasEffect = true
        while partitions[number].prefix < partitions[number].entries.count,
            partitions[number].entries[partitions[number].prefix].hasEffect
        {
            partitions[number].prefix += 1
        }
        partitions[number].reached = max(partitions[number].reached, partitions[number].prefix)
    }

    /// The store has lost what it did from an entry on.
    mutating func forgetEffects(_ number: Int, from index: Int) {
        for later in index..<partitions[number].entries.count { forgetEffect(number, later) }
        partitions[number].prefix = min(partitions[number].prefix, index)
        partitions[number].reached = partitions[number].prefix
    }

    mutating func forgetEffect(_ number: Int, _ index: Int) {
        partitions[number].entries[index].hasEffect = false
        partitions[number].entries[index].generation = 0
    }

    /// A commit may not pass what has no effect yet and is in no store, nor may its hint claim it.
    func check(_ commit: Commit, isStored: (Position) -> Bool) throws(SimulationViolation) {
        let partition = partitions[commit.partition.partition]
        var unfinished = partition.prefix
        while unfinished < partition.entries.count,
            partition.entries[unfinished].hasEffect || isStored(partition.entries[unfinished].position)
        {
            unfinished += 1
        }
        if unfinished < partition.entries.count, partition.entries[unfinished].position < commit.next {
            throw SimulationViolation("commit: \(commit.next) passes record \(unfinished) of \(commit.partition)")
        }
        guard let hint = commit.hint, let ranges = CommitHint(decoding: hint, commit: commit.next)?.ranges else {
            return
        }
        for entry in partition.entries
        where !entry.hasEffect && ranges.contains(where: { $0.contains(entry.position) }) && !isStored(entry.position) {
            throw SimulationViolation("hint: claims \(entry.position) of \(commit.partition)")
        }
    }
}

/// A guarantee that did not hold.
struct SimulationViolation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
