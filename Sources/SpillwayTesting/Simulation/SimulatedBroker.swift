import Spillway

/// The simulation's broker: who owns what, what is committed, where delivery stands.
struct SimulatedBroker: Sendable {
    struct Slot: Sendable {
        var owner: Int?
        var generation: UInt64 = 0
        var committed: Position?
        var hint: [UInt8]?
        /// The next entry to deliver to the owner.
        var next = 0
        /// The first entry that the owner may see.
        var floor = 0
        var isRevoking = false
    }

    var slots: [Slot]
    /// How much of each log can be read.
    var available: [Int]

    init(partitions: Int) {
        slots = Array(repeating: Slot(), count: partitions)
        available = Array(repeating: 0, count: partitions)
    }

    static func name(_ partition: Int) -> TopicPartition {
        TopicPartition(source: "simulation", topic: "t", partition: partition)
    }

    mutating func assign(_ number: Int, to node: Int, ledger: SimulationLedger) -> Assignment {
        let start = slots[number].committed ?? .start
        slots[number].owner = node
        slots[number].generation += 1
        slots[number].isRevoking = false
        slots[number].next = ledger.firstIndex(number, atOrAfter: start)
        slots[number].floor = slots[number].next
        return Assignment(
            partition: Self.name(number), generation: slots[number].generation, start: start, hint: slots[number].hint)
    }

    /// Stores commits of a node, or says which were refused.
    mutating func commit(
        _ commits: [Commit], of node: Int, ledger: SimulationLedger, isStored: (TopicPartition, Position) -> Bool
    ) throws(SimulationViolation) -> CommitResult {
        var refused: Set<TopicPartition> = []
        for commit in commits {
            let number = commit.partition.partition
            guard slots[number].owner == node, slots[number].generation == commit.generation else {
                refused.insert(commit.partition)
                continue
            }
            try ledger.check(commit) { isStored(commit.partition, $0) }
            slots[number].committed = commit.next
            slots[number].hint = commit.hint
        }
        return refused.isEmpty ? .stored : .refused(refused)
    }
}
