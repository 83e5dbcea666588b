import Spillway
import SpillwayCore

/// What processes want of the failure store.
extension SimulationWorld {
    var wallMs: Int64 { Int64(now.nanoseconds / 1_000_000) }

    /// Sends what an engine wants written and read on its way.
    mutating func pumpStore(_ index: Int) {
        let (now, wallMs) = (now, wallMs)
        if nodes[index].sideWrites == nil, let writes = nodes[index].engine.takeSideWrites(now: now, wallMs: wallMs) {
            nodes[index].sideWrites = SimulatedNode.Pending(value: writes, at: later(10))
        }
        if nodes[index].sideLoads == nil, let loads = nodes[index].engine.takeSideLoads(now: now, wallMs: wallMs) {
            // What a read finds may be gone again when its answer comes.
            let answers = random.chance(0.5) ? loads.map { answer($0) } : nil
            nodes[index].sideLoads = SimulatedNode.Pending(value: (loads, answers), at: later(10))
        }
    }

    /// Answers what is due.
    mutating func passStoreTime(_ index: Int) throws(SimulationViolation) {
        let now = now
        if let writes = nodes[index].sideWrites, writes.at <= now {
            nodes[index].sideWrites = nil
            nodes[index].engine.sideWritesEnded(try write(writes.value), now: now)
        }
        if let loads = nodes[index].sideLoads, loads.at <= now {
            nodes[index].sideLoads = nil
            let answers = loads.value.answers ?? loads.value.loads.map { answer($0) }
            try checkRead(answers, by: index)
            nodes[index].engine.sideLoaded(loads.value.loads, answers, now: now, wallMs: wallMs)
        }
    }

    private mutating func write(_ writes: SideWrites) throws(SimulationViolation) -> SideWriteResult {
        if phase == .faulty, random.chance(0.1) {
            // Nobody knows whether it was written.
            if random.chance(0.5) { _ = try apply(writes) }
            return .failed
        }
        guard mutation == .admitsEarlierOwners || store.admits(writes.generations) else { return .failed }
        let isApplied = try apply(writes)
        return isApplied || mutation == .believesAFullStore ? .applied : .full
    }

    /// Writes operations, and tells the ledger what is safe now, or done with.
    mutating func apply(_ writes: SideWrites) throws(SimulationViolation) -> Bool {
        guard mutation == .admitsEarlierOwners || store.admits(writes.generations) else { return false }
        var operations = writes.operations
        switch mutation {
        case .storesNothing: operations.removeAll(where: \.isPut)
        case .buriesNothing: operations.removeAll { if case .bury = $0 { true } else { false } }
        default: break
        }
        guard store.apply(operations) else { return false }
        for operation in operations {
            switch operation {
            case .put(let entry): report.moved += entry.rounds > 0 ? 1 : 0
            case .putIfAbsent, .remove: break
            case .bury(let letter):
                report.buried += 1
                let number = letter.name.partition.partition
                ledger.bury(number, ledger.firstIndex(number, atOrAfter: letter.name.position))
            }
        }
        return true
    }

    /// What is read at a time has room, but for the last entry of each read. Entries that are here already are read again.
    private func checkRead(_ answers: [SideLoaded?], by index: Int) throws(SimulationViolation) {
        let bytes = answers.reduce(0) { $0 + ($1?.entries.reduce(0) { $0 + $1.byteCount } ?? 0) }
        guard bytes <= plan.settings.sideShare.bytes * 2 + store.largestEntry * answers.count else {
            throw SimulationViolation(
                "bound: \(bytes) bytes are read of the side queue, of \(plan.settings.sideShare.bytes)")
        }
    }

    private mutating func answer(_ load: SideLoad) -> SideLoaded? {
        if phase == .faulty, random.chance(0.1) { return nil }
        var answer = store.answer(load, isBounded: mutation != .readsTooMuch)
        switch mutation {
        case .loadsBackwards: answer.entries.reverse()
        case .forgetsWhatIsLoaded: for entry in answer.entries { store.lose(entry.name) }
        default: break
        }
        return answer
    }

    /// What of a partition waits in the store, as an engine is told when it opens the partition.
    mutating func held(_ opening: EngineActions.Opening) -> [(key: HeldKeySummary, dueAt: MonotonicInstant)] {
        guard plan.settings.usesFailureStore else { return [] }
        store.open(opening.partition, generation: opening.generation)
        return mutation == .forgetsHeldKeys
            ? [] : store.heldKeys(opening.partition).map { ($0, now + .milliseconds(max(0, $0.dueMs - wallMs))) }
    }

    /// The result of a record that failed: tried again, or moved away.
    mutating func failure(of record: WorkRecord) -> WorkResult {
        let retryAt = later(20)
        guard plan.settings.usesFailureStore, record.context.attempt >= plan.attemptsInPlace || record.rounds > 0 else {
            return .retry(at: retryAt)
        }
        let number = record.context.partition.partition
        let index = ledger.index(number, of: record.context.record)
        let due = mutation == .ignoresDueTimes ? now : later(100)
        if plan.buries, random.chance(0.2) {
            ledger.waive(number, index)
            return .move(Move(.deadLetter, reason: "planned"), orRetryAt: retryAt)
        }
        if plan.holds {
            // Without order by key there is nothing to hold: the record is delayed.
            if plan.settings.order != .key { ledger.waive(number, index) }
            if mutation == .ignoresDueTimes { promisedDue[record.context.record.position ?? .start] = later(100) }
            return .move(Move(.hold(until: due), reason: "planned"), orRetryAt: retryAt)
        }
        ledger.waive(number, index)
        return .move(Move(.delay(until: due), reason: "planned"), orRetryAt: retryAt)
    }

    /// Nothing of a held key is handled before its first record is due.
    func checkDue(_ work: Work) throws(SimulationViolation) {
        guard case .records(let records) = work.content else { return }
        for record in records {
            guard let position = record.context.record.position else { continue }
            let name = RecordName(group: plan.settings.group, partition: record.context.partition, position: position)
            guard let entry = store.entries[name], entry.mode == .held, record.rounds > 0 else { continue }
            let due = promisedDue[position].map { Int64($0.nanoseconds / 1_000_000) } ?? entry.dueMs
            if due > wallMs + 1 {
                throw SimulationViolation("due: \(position) is handled \(due - wallMs) ms before its time")
            }
        }
    }
}

extension FailureOperation {
    fileprivate var isPut: Bool {
        switch self {
        case .put, .putIfAbsent: true
        case .remove, .bury: false
        }
    }
}
