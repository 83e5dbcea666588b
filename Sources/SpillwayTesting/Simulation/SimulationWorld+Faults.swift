import Spillway
import SpillwayCore

extension SimulationWorld {
    /// Something goes wrong, now and then.
    mutating func fault() throws(SimulationViolation) {
        if random.chance(plan.crashRate) { try crash(Int.random(in: nodes.indices, using: &random)) }
        if random.chance(plan.moveRate) { try move(Int.random(in: broker.slots.indices, using: &random)) }
        if random.chance(plan.controlRate) { try control(Int.random(in: nodes.indices, using: &random)) }
        if random.chance(plan.moveRate) { repeatLate(Int.random(in: broker.slots.indices, using: &random)) }
    }

    /// An operator pauses, resumes, goes back, or changes settings.
    private mutating func control(_ index: Int) throws(SimulationViolation) {
        let number = Int.random(in: broker.slots.indices, using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: nodes[index].engine.setPaused(true, [SimulatedBroker.name(number)])
        case 1: nodes[index].engine.setPaused(false, [SimulatedBroker.name(number)])
        case 2, 3: goBack(number, by: index)
        default:
            var settings = plan.settings
            settings.concurrency = Int.random(in: 1...6, using: &random)
            settings.rate.recordsPerSecond = [nil, 300].randomElement(using: &random) ?? nil
            if !settings.isSingle { settings.limits.maxRecords = Int.random(in: 1...20, using: &random) }
            nodes[index].engine.change(settings, now: now)
        }
        try pump(index)
    }

    /// The process is gone with everything in it; what its handlers did may have taken effect, or still will.
    private mutating func crash(_ index: Int) throws(SimulationViolation) {
        report.crashes += 1
        if let runner {
            // Some are only thought dead, and their handlers go on.
            let isDead = random.chance(0.5)
            trace.note("process \(nodes[index].process) \(isDead ? "crashes" : "is thought dead")")
            if isDead { runner.kill(nodes[index].process) }
        } else if plan.settings.asksForPositions, plan.nodes == 1 {
            rollBack()
        } else {
            for item in nodes[index].running where random.chance(0.5) { ghosts.append(item) }
        }
        // What was on its way to the store may arrive.
        if let writes = nodes[index].sideWrites, random.chance(0.5) { _ = try apply(writes.value) }
        report.heated += nodes[index].engine.counters.heated
        nodes[index] = SimulatedNode(plan.settings, process: nextProcess())
        for number in broker.slots.indices where broker.slots[number].owner == index {
            broker.slots[number].owner = nil
        }
        assignFree()
    }

    /// The only process was also the store's: what was not synced there is gone, though it is committed.
    private mutating func rollBack() {
        for number in applied.indices where random.chance(0.5) {
            let index = Int.random(in: 0...ledger.firstIndex(number, atOrAfter: applied[number]), using: &random)
            guard index < ledger.partitions[number].entries.count else { continue }
            applied[number] = ledger.partitions[number].entries[index].position
            ledger.forgetEffects(number, from: index)
        }
    }

    /// A partition is asked back, or lost at once.
    private mutating func move(_ number: Int) throws(SimulationViolation) {
        guard let owner = broker.slots[number].owner else { return }
        report.moves += 1
        if random.chance(0.6) {
            guard !broker.slots[number].isRevoking else { return }
            broker.slots[number].isRevoking = true
            nodes[owner].inbox.append(.revoking(number))
        } else {
            broker.slots[number].owner = nil
            nodes[owner].inbox.append(.lost(number))
            assignFree()
        }
    }

    /// A batch of an earlier fetch arrives once more, perhaps after its partition has moved.
    private mutating func repeatLate(_ number: Int) {
        guard let batch = lastDelivered[number], let owner = broker.slots[number].owner,
            nodes[owner].demandRecords >= batch.records.count, batch.generation < broker.slots[number].generation
        else { return }
        nodes[owner].demandRecords -= batch.records.count
        nodes[owner].demandBytes -= batch.records.reduce(0) { $0 + $1.byteCount }
        nodes[owner].inbox.append(.records(batch))
    }

    // MARK: Checks

    /// What has to hold all the time.
    func check(_ index: Int) throws(SimulationViolation) {
        let node = nodes[index]
        let limit = plan.settings.maxInFlightRecords
        let onTheWay = (node.inbox + (node.hand.map { [$0] } ?? [])).reduce(0) { sum, event in
            if case .records(let batch) = event { sum + batch.records.count } else { sum }
        }
        let held = node.engine.inFlightRecords + node.demandRecords + onTheWay
        guard held <= limit else {
            throw SimulationViolation(
                "bound: \(node.engine.inFlightRecords) in flight, \(node.demandRecords) demanded and \(onTheWay) on the"
                    + " way, of \(limit)")
        }
        let share = plan.settings.sideShare
        guard node.engine.sideHeldRecords <= share.records,
            node.engine.sideHeldBytes < max(1, share.bytes + store.largestEntry)
        else {
            throw SimulationViolation(
                "bound: \(node.engine.sideHeldRecords) records and \(node.engine.sideHeldBytes) bytes of the side queue,"
                    + " of \(share)")
        }
        let running = node.running.reduce(0) { $0 + $1.work.recordCount }
        guard running <= node.engine.inFlightRecords else {
            throw SimulationViolation("bound: \(running) with workers, \(node.engine.inFlightRecords) permits")
        }
        guard node.engine.laneCount <= max(node.engine.inFlightRecords, plan.partitions) else {
            throw SimulationViolation(
                "bound: \(node.engine.laneCount) lanes for \(node.engine.inFlightRecords) records")
        }
    }

    /// No two records of a key (or partition) are handled at once under one assignment.
    func checkStart(_ work: Work, by index: Int) throws(SimulationViolation) {
        guard plan.settings.order != .none else { return }
        let starting = slots(of: work)
        for item in nodes[index].running {
            let both = starting.intersection(slots(of: item.work).filter { !item.leftBehind.contains($0.partition) })
            if let slot = both.first { throw SimulationViolation("order: two at once of \(slot)") }
        }
    }

    private struct HandlingSlot: Hashable {
        var partition: Int
        var generation: UInt64
        var key: Int
    }

    /// What the work takes for itself alone; the ledger knows which key a record has, whatever the engine was told.
    private func slots(of work: Work) -> Set<HandlingSlot> {
        switch work.content {
        case .batch(let batch, _):
            return [HandlingSlot(partition: batch.partition.partition, generation: batch.generation, key: 0)]
        case .records(let records):
            return Set(
                records.map { record in
                    let number = record.context.partition.partition
                    let entry = ledger.partitions[number].entries[ledger.index(number, of: record.context.record)]
                    return HandlingSlot(
                        partition: number, generation: record.generation,
                        key: plan.settings.order == .partition ? 0 : entry.key)
                })
        }
    }

    /// What has to hold when everything has drained.
    func checkEnd() throws(SimulationViolation) {
        for (index, node) in nodes.enumerated() {
            guard node.engine.heldKeyCount == 0 else {
                throw SimulationViolation("leak: process \(index) holds \(node.engine.heldKeyCount) keys")
            }
            guard node.engine.inFlightRecords == 0, node.engine.inFlightBytes == 0 else {
                throw SimulationViolation("leak: process \(index) holds \(node.engine.inFlightRecords) permits")
            }
        }
        try ledger.checkLast()
        if let number = firstUncommitted { throw SimulationViolation("end: partition \(number) is not committed") }
    }

    /// A partition that is not committed (or applied) to its end.
    var firstUncommitted: Int? {
        broker.slots.indices.first { number in
            let end = ledger.partitions[number].entries.last?.position.successor
            let committed = broker.slots[number].committed
            // A user's handler that keeps its own positions is behind whatever it was heard of last.
            if runner != nil { return max(committed ?? .start, applied[number]) != (end ?? applied[number]) }
            return (plan.settings.asksForPositions ? applied[number] : committed) != end
        }
    }

    func describe() -> String {
        let prefixes = ledger.partitions.map { "\($0.prefix)/\($0.entries.count)" }
        let engines = nodes.map {
            "\($0.engine.inFlightRecords) in flight, \($0.engine.demandedRecords) demanded, \($0.running.count) running,"
                + " \($0.engine.heldKeyCount) keys held, \($0.engine.parkedLaneCount) parked, \($0.engine.counters)"
        }
        let stored = store.entries.keys.sorted().map { "\($0.partition.partition):\($0.position.low)" }
        let uncommitted = firstUncommitted.map { "\($0)" } ?? "none"
        return
            "finished \(prefixes), uncommitted \(uncommitted), in the store \(stored), engines \(engines), plan \(plan)"
    }
}
