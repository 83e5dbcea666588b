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
        /// The generation under which it took effect last.
        var generation: UInt64 = 0
    }

    struct Partition: Sendable {
        var entries: [Entry] = []
        var nextOfKey: [Int: Int] = [:]
        /// How many entries at the front have taken effect.
        var prefix = 0
        var countOfKey: [Int: Int] = [:]
    }

    var partitions: [Partition]
    /// Order is kept per key, per partition (every key is one) or not at all.
    let order: OrderMode

    init(_ plan: SimulationPlan, _ random: inout SeededRandom) {
        order = plan.settings.order
        partitions = []
        for _ in 0..<plan.partitions {
            var partition = Partition()
            var position = Position(high: 1, low: 0)
            var badLeft = plan.badRecordsPerPartition
            for _ in 0..<plan.recordsPerPartition {
                // Positions have gaps, and now and then the log has a new epoch.
                position.low += UInt64.random(in: 1...4, using: &random)
                if random.chance(0.01) { position = Position(high: position.high + 1, low: 1) }
                var key = Int.random(in: 0..<plan.keys, using: &random)
                if plan.badKeys.contains(key) {
                    if badLeft == 0 { key = plan.keys - 1 } else { badLeft -= 1 }
                }
                let index = partition.countOfKey[key, default: 0]
                partition.countOfKey[key] = index + 1
                partition.entries.append(
                    Entry(
                        position: position, key: key, indexInKey: index,
                        padding: Int.random(in: 0...20, using: &random)))
            }
            partitions.append(partition)
        }
    }

    var isComplete: Bool { partitions.allSatisfy { $0.prefix == $0.entries.count } }

    func record(_ partition: Int, _ index: Int, keyless: Bool) -> Record {
        let entry = partitions[partition].entries[index]
        let value = withUnsafeBytes(of: UInt32(index).littleEndian) { Array($0) }
        return Record(
            key: keyless ? nil : [UInt8(entry.key)], value: value + Array(repeating: 0, count: entry.padding),
            position: entry.position, timestampMs: Int64(index))
    }

    static func index(of record: Record) -> Int {
        (record.value ?? []).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
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
        guard entry.generation != generation else {
            throw SimulationViolation("repeat: record \(index) of partition \(number) twice in one assignment")
        }
        partitions[number].entries[index].generation = generation
        switch order {
        case .none: break
        case .partition:
            guard index <= partitions[number].prefix else {
                throw SimulationViolation("order: record \(index) of partition \(number) before earlier ones")
            }
        case .key:
            let next = partitions[number].nextOfKey[entry.key, default: 0]
            guard entry.indexInKey <= next else {
                throw SimulationViolation(
                    "order: record \(entry.indexInKey) of key \(entry.key) in partition \(number) before \(next)")
            }
            if entry.indexInKey == next { partitions[number].nextOfKey[entry.key] = next + 1 }
        }
        partitions[number].entries[index].hasEffect = true
        while partitions[number].prefix < partitions[number].entries.count,
            partitions[number].entries[partitions[number].prefix].hasEffect
        {
            partitions[number].prefix += 1
        }
    }

    /// The store has lost what it did from an entry on.
    mutating func forgetEffects(_ number: Int, from index: Int) {
        for later in index..<partitions[number].entries.count { forgetEffect(number, later) }
        partitions[number].prefix = min(partitions[number].prefix, index)
    }

    private mutating func forgetEffect(_ number: Int, _ index: Int) {
        partitions[number].entries[index].hasEffect = false
        partitions[number].entries[index].generation = 0
    }

    /// A commit may not pass what has no effect yet, nor may its hint claim it.
    func check(_ commit: Commit) throws(SimulationViolation) {
        let partition = partitions[commit.partition.partition]
        let unfinished = partition.prefix
        if unfinished < partition.entries.count, partition.entries[unfinished].position < commit.next {
            throw SimulationViolation("commit: \(commit.next) passes record \(unfinished) of \(commit.partition)")
        }
        guard let hint = commit.hint, let ranges = CommitHint(decoding: hint, commit: commit.next)?.ranges else {
            return
        }
        for entry in partition.entries where !entry.hasEffect && ranges.contains(where: { $0.contains(entry.position) })
        {
            throw SimulationViolation("hint: claims \(entry.position) of \(commit.partition)")
        }
    }
}

/// A guarantee that did not hold.
struct SimulationViolation: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
