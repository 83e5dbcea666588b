import Spillway
import SpillwayCore

/// Operators who go back in a partition while records flow.
extension SimulationWorld {
    /// A seek that the broker has not stored yet.
    struct OperatorSeek: Sendable {
        /// The entry that is to be handled next.
        var index: Int
        var position: Position
        var generation: UInt64
        /// A commit of the place is on its way.
        var isCommitting = false
    }

    /// Goes back to before what is committed, now and then while the last seek is still under way.
    mutating func goBack(_ number: Int, by index: Int) {
        let slot = broker.slots[number]
        guard runner == nil, !plan.settings.asksForPositions, slot.owner == index,
            nodes[index].generations[number] == slot.generation, let committed = slot.committed,
            operatorSeeks[number] == nil || random.chance(0.3)
        else { return }
        let passed = ledger.firstIndex(number, atOrAfter: committed)
        guard passed > 0 else { return }
        let target = max(0, passed - Int.random(in: 1...20, using: &random))
        let position = ledger.partitions[number].entries[target].position
        let isTaken = nodes[index].engine.seek(SimulatedBroker.name(number), to: position, now: now)
        guard isTaken else { return }
        operatorSeeks[number] = OperatorSeek(index: target, position: position, generation: slot.generation)
    }

    /// The engine asks the broker for a place: nobody goes back before that is stored. A handler's own store may be behind
    /// the commit.
    func checkSeek(
        _ seek: (partition: TopicPartition, position: Position), by index: Int
    ) throws(SimulationViolation) {
        let number = seek.partition.partition
        let slot = broker.slots[number]
        guard !plan.settings.asksForPositions, slot.owner == index,
            nodes[index].generations[number] == slot.generation, let committed = slot.committed
        else { return }
        if seek.position < committed {
            throw SimulationViolation("delivery: partition \(number) goes back before that is stored")
        }
    }

    /// Commits have been handed out, perhaps those of partitions that go back.
    mutating func noteTaken(_ commits: [Commit]) {
        for commit in commits {
            let number = commit.partition.partition
            guard let sought = operatorSeeks[number], sought.generation == commit.generation,
                sought.position == commit.next
            else { continue }
            operatorSeeks[number]?.isCommitting = true
        }
    }

    /// Commits have been stored: what is behind the place that a partition goes back to has to come again.
    mutating func noteStored(
        _ commits: [Commit], _ result: CommitResult, by index: Int
    ) throws(SimulationViolation) {
        let refused: Set<TopicPartition>
        switch result {
        case .failed: return
        case .stored: refused = []
        case .refused(let partitions): refused = partitions
        }
        for commit in commits where !refused.contains(commit.partition) {
            let number = commit.partition.partition
            guard let sought = operatorSeeks[number], sought.isCommitting, sought.generation == commit.generation,
                sought.position == commit.next
            else { continue }
            operatorSeeks[number] = nil
            report.seeks += 1
            ledger.goBack(number, to: sought.index)
            for place in nodes[index].running.indices { nodes[index].running[place].leftBehind.insert(number) }
            let (store, group) = (store, plan.settings.group)
            try ledger.check(commit) { position in
                store.entries[RecordName(group: group, partition: commit.partition, position: position)] != nil
            }
        }
    }

    /// The partition has a new owner, who begins at what is committed: a seek that is not stored is lost.
    mutating func forgetSeek(_ number: Int) { operatorSeeks[number] = nil }
}

extension SimulationLedger {
    /// What is from an entry on comes again, under the same assignment: it has no effect any more.
    mutating func goBack(_ number: Int, to index: Int) {
        for later in index..<partitions[number].entries.count { forgetEffect(number, later) }
        partitions[number].prefix = min(partitions[number].prefix, index)
    }
}
