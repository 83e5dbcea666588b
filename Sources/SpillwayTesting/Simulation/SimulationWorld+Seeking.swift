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
        /// The engine goes on there.
        var isSettled = false
        /// A commit of since then is on its way.
        var isCommitting = false
    }

    /// Goes back to before what is committed, unless the last seek is still under way.
    mutating func goBack(_ number: Int, by index: Int) {
        let slot = broker.slots[number]
        guard runner == nil, !plan.settings.asksForPositions, slot.owner == index, operatorSeeks[number] == nil,
            nodes[index].generations[number] == slot.generation, let committed = slot.committed
        else { return }
        let passed = ledger.firstIndex(number, atOrAfter: committed)
        guard passed > 0 else { return }
        let target = max(0, passed - Int.random(in: 1...20, using: &random))
        let position = ledger.partitions[number].entries[target].position
        operatorSeeks[number] = OperatorSeek(index: target, position: position, generation: slot.generation)
        nodes[index].engine.seek(SimulatedBroker.name(number), to: position, now: now)
    }

    /// The engine asks the broker for a place: it may be that of an operator's seek.
    mutating func noteSeek(_ seek: (partition: TopicPartition, position: Position), by index: Int) {
        let number = seek.partition.partition
        guard let sought = operatorSeeks[number], !sought.isSettled, sought.position == seek.position,
            nodes[index].generations[number] == sought.generation
        else { return }
        report.seeks += 1
        operatorSeeks[number]?.isSettled = true
        ledger.goBack(number, to: sought.index)
        for place in nodes[index].running.indices { nodes[index].running[place].leftBehind.insert(number) }
    }

    /// Commits have been handed out: those of partitions that have gone back say so.
    mutating func noteTaken(_ commits: [Commit]) {
        for commit in commits {
            let number = commit.partition.partition
            guard let sought = operatorSeeks[number], sought.isSettled, sought.generation == commit.generation else {
                continue
            }
            operatorSeeks[number]?.isCommitting = true
        }
    }

    /// Commits have been stored: what is behind the place that a partition went back to has to come again.
    mutating func noteStored(_ commits: [Commit], _ result: CommitResult) throws(SimulationViolation) {
        let refused: Set<TopicPartition>
        switch result {
        case .failed: return
        case .stored: refused = []
        case .refused(let partitions): refused = partitions
        }
        for commit in commits where !refused.contains(commit.partition) {
            let number = commit.partition.partition
            guard let sought = operatorSeeks[number], sought.isCommitting, sought.generation == commit.generation
            else { continue }
            operatorSeeks[number] = nil
            ledger.confirmSeek(number)
            let (store, group) = (store, plan.settings.group)
            try ledger.check(commit) { position in
                store.entries[RecordName(group: group, partition: commit.partition, position: position)] != nil
            }
        }
    }

    /// The partition has a new owner, who begins at what is committed.
    mutating func forgetSeek(_ number: Int) {
        guard let sought = operatorSeeks.removeValue(forKey: number), sought.isSettled else { return }
        ledger.forgetSeek(number, of: sought.generation)
    }
}

extension SimulationLedger {
    /// What is from an entry on comes again, under the same assignment.
    mutating func goBack(_ number: Int, to index: Int) {
        partitions[number].lastBeforeSeek = partitions[number].lastOfKey
        for later in index..<partitions[number].entries.count {
            partitions[number].entries[later].generation = 0
            partitions[number].entries[later].mustRepeat = true
        }
    }

    /// The place that was gone back to outlives the process: what has not come again since has no effect any more.
    mutating func confirmSeek(_ number: Int) {
        for index in partitions[number].entries.indices where partitions[number].entries[index].mustRepeat {
            partitions[number].entries[index].mustRepeat = false
            partitions[number].entries[index].hasEffect = false
            partitions[number].prefix = min(partitions[number].prefix, index)
        }
        partitions[number].lastBeforeSeek = [:]
    }

    /// The way back was lost with its owner: the next one goes on where the broker says, and what the last one still does
    /// on that way is not done again.
    mutating func forgetSeek(_ number: Int, of generation: UInt64) {
        partitions[number].lostWays.insert(generation)
        for index in partitions[number].entries.indices { partitions[number].entries[index].mustRepeat = false }
        partitions[number].lastOfKey.merge(partitions[number].lastBeforeSeek) { now, before in
            now.indexInKey < before.indexInKey ? before : now
        }
        partitions[number].lastBeforeSeek = [:]
    }
}
