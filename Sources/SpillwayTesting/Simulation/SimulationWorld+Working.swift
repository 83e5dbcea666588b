import Spillway
import SpillwayCore

extension SimulationWorld {
    /// Carries out what an engine decided, as a consumer does after every input.
    mutating func pump(_ index: Int) throws(SimulationViolation) {
        try carryOut(nodes[index].engine.takeActions(), by: index)
        while let work = nodes[index].engine.takeWork(now: now) {
            try checkStart(work, by: index)
            try checkDue(work)
            let isSlow = phase == .faulty && random.chance(0.02)
            nodes[index].running.append(SimulatedNode.Running(work: work, endsAt: later(isSlow ? 2_000 : 10)))
            if runner != nil { hand(work, to: index) }
            // An operator may have lowered the limit while more was running.
            let most = plan.controlRate > 0 ? 8 : nodes[index].engine.maxWorkers
            guard nodes[index].running.count <= most else {
                throw SimulationViolation("bound: \(nodes[index].running.count) pieces of work for \(most) workers")
            }
        }
        pumpStore(index)
        if nodes[index].commits == nil, let commits = nodes[index].engine.takeCommits(now: now) {
            for commit in commits
            where nodes[index].lost[commit.partition.partition]?.contains(commit.generation) == true {
                throw SimulationViolation("fence: a commit of \(commit.partition) after it was lost")
            }
            noteTaken(commits)
            let changed = commits.map { mutated($0) }
            nodes[index].commits = SimulatedNode.Pending(value: changed, at: later(10))
            if mutation == .believesCommitsTooEarly {
                nodes[index].engine.commitEnded(.stored, now: now)
                try carryOut(nodes[index].engine.takeActions(), by: index)
            }
        }
    }

    private mutating func carryOut(_ actions: EngineActions, by index: Int) throws(SimulationViolation) {
        nodes[index].paused.formUnion(actions.pause.map(\.partition))
        for seek in actions.seek where mutation != .ignoresOwnPositions {
            try checkSeek(seek, by: index)
            self.seek(seek, by: index)
        }
        for partition in actions.resume where mutation != .forgetsToResume || phase == .leaving {
            nodes[index].paused.remove(partition.partition)
        }
        for opening in actions.open {
            nodes[index].openings.append(SimulatedNode.Pending(value: opening, at: later(20)))
        }
        for partition in actions.completeRevocation { try completeRevocation(partition.partition, by: index) }
        if let request = actions.request {
            nodes[index].demandRecords += request.records * (mutation == .demandsTooMuch ? 2 : 1)
            nodes[index].demandBytes += request.bytes
        }
    }

    private mutating func seek(_ seek: (partition: TopicPartition, position: Position), by index: Int) {
        let number = seek.partition.partition
        // What was fetched before is dropped, and its demand given back.
        for event in nodes[index].inbox {
            guard case .records(let batch) = event, batch.partition == seek.partition else { continue }
            nodes[index].demandRecords += batch.records.count
            nodes[index].demandBytes += batch.records.reduce(0) { $0 + $1.byteCount }
        }
        nodes[index].inbox.removeAll { event in
            if case .records(let batch) = event { batch.partition == seek.partition } else { false }
        }
        guard broker.slots[number].owner == index else { return }
        broker.slots[number].next = ledger.firstIndex(number, atOrAfter: seek.position)
        broker.slots[number].floor = broker.slots[number].next
    }

    mutating func completeRevocation(_ number: Int, by index: Int) throws(SimulationViolation) {
        guard broker.slots[number].owner == index, broker.slots[number].isRevoking else { return }
        let deadline = (nodes[index].revokedAt[number] ?? .zero) + plan.settings.revocationDrainTimeout
        if now < deadline, nodes[index].running.contains(where: { isLive($0, number) }) {
            throw SimulationViolation("revocation: partition \(number) was given back while its records were handled")
        }
        broker.slots[number].owner = nil
        assignFree()
    }

    /// True if the work is under the present assignment of the partition, and of the place where that goes on.
    private func isLive(_ item: SimulatedNode.Running, _ number: Int) -> Bool {
        if item.leftBehind.contains(number) { return false }
        let generation = broker.slots[number].generation
        switch item.work.content {
        case .records(let records):
            return records.contains { $0.context.partition.partition == number && $0.generation == generation }
        case .batch(let batch, _): return batch.partition.partition == number && batch.generation == generation
        }
    }

    private func mutated(_ commit: Commit) -> Commit {
        var commit = commit
        let number = commit.partition.partition
        switch mutation {
        case .commitsWhatWasSeen:
            let delivered = broker.slots[number].next
            if delivered > 0 { commit.next = ledger.partitions[number].entries[delivered - 1].position.successor }
        case .commitsOneTooFar:
            let index = ledger.firstIndex(number, atOrAfter: commit.next)
            if index < ledger.partitions[number].entries.count {
                commit.next = ledger.partitions[number].entries[index].position.successor
            }
        case .hintClaimsTooMuch:
            guard let hint = commit.hint, var known = CommitHint(decoding: hint, commit: commit.next),
                let last = known.ranges.last
            else { break }
            let index = ledger.firstIndex(number, atOrAfter: last.upperBound.successor)
            guard index < ledger.partitions[number].entries.count else { break }
            let end = ledger.partitions[number].entries[index].position
            known.ranges[known.ranges.count - 1] = last.lowerBound...end
            commit.hint = known.encoded(commit: commit.next, maxBytes: 4_096)
        default: break
        }
        return commit
    }

    /// Ends some work that is due, and tells the engine.
    mutating func endWork(_ index: Int) throws(SimulationViolation) {
        try endGhosts()
        guard let place = nodes[index].running.firstIndex(where: { $0.endsAt <= now }) else { return }
        let item = nodes[index].running.remove(at: place)
        var results: [WorkResult]
        if let known = item.results { results = known } else { results = try handle(item) }
        switch mutation {
        case .acknowledgesFailures: results = results.map { _ in .finished }
        case .mixesUpOutcomes: results.reverse()
        case .forgetsParkedLanes:
            results = results.map { $0 == .finished ? .finished : .retry(at: .distantFuture) }
        case .leaksPermits where random.chance(0.02): return
        default: break
        }
        switch item.work.content {
        case .batch: nodes[index].engine.completeBatch(item.work.id, results[0], now: now)
        case .records(let records): complete(item.work.id, records, results, by: index)
        }
        try pump(index)
    }

    /// Records that were handled one by one end in two parts now and then, as when a worker is relieved.
    private mutating func complete(_ id: UInt64, _ records: [WorkRecord], _ results: [WorkResult], by index: Int) {
        let ends = zip(records, results).map { (record: $0, result: $1) }
        let isSplit = plan.settings.isSingle && ends.count > 1 && random.chance(0.3)
        let middle = isSplit ? Int.random(in: 1..<ends.count, using: &random) : ends.count
        nodes[index].engine.complete(id, ends[..<middle], now: now)
        if isSplit { nodes[index].engine.complete(id, ends[middle...], now: now) }
    }

    private mutating func endGhosts() throws(SimulationViolation) {
        guard let place = ghosts.firstIndex(where: { $0.endsAt <= now }) else { return }
        _ = try handle(ghosts.remove(at: place))
    }

    /// Handles a piece of work: some of it takes effect. What of it was left behind comes again, whatever it does now.
    private mutating func handle(_ item: SimulatedNode.Running) throws(SimulationViolation) -> [WorkResult] {
        switch item.work.content {
        case .batch(let batch, let attempt):
            if item.leftBehind.contains(batch.partition.partition) { return [.finished] }
            return [try handle(batch, attempt: attempt)]
        case .records(let records): return try handle(records, leftBehind: item.leftBehind)
        }
    }

    private mutating func handle(_ batch: RecordBatch, attempt: Int) throws(SimulationViolation) -> WorkResult {
        let number = batch.partition.partition
        if phase == .faulty, random.chance(plan.failureRate) {
            report.failures += 1
            return .retry(at: later(20))
        }
        var indices = batch.records.map { ledger.index(number, of: $0) }
        if plan.settings.asksForPositions {
            // The store compares where the batch begins with where it stands, and changes both in one step.
            let expected = ledger.firstIndex(number, atOrAfter: applied[number])
            guard let first = indices.first, first <= expected else {
                throw SimulationViolation("gap: batch at \(indices.first ?? -1), the store stands at \(expected)")
            }
            // An earlier owner's last transaction may have come after this one had asked: what it did is skipped.
            indices.removeAll { $0 < expected }
            if first <= expected, !indices.isEmpty, let last = batch.records.last?.position {
                applied[number] = last.successor
            }
        }
        for index in indices {
            report.effects += 1
            try ledger.effect(number, index, generation: batch.generation)
        }
        return .finished
    }

    private mutating func handle(
        _ records: [WorkRecord], leftBehind: Set<Int>
    ) throws(SimulationViolation) -> [WorkResult] {
        var results: [WorkResult] = []
        var blockedLane: Int?
        var movedLane: Int?
        for record in records {
            let number = record.context.partition.partition
            if leftBehind.contains(number) {
                results.append(.finished)
                continue
            }
            let index = ledger.index(number, of: record.context.record)
            let key = ledger.partitions[number].entries[index].key
            let fails =
                (phase == .faulty && random.chance(plan.failureRate))
                || (phase != .healed && phase != .leaving && plan.badKeys.contains(key))
            if record.lane == blockedLane {
                // What the handler says of a record behind a failed one must not count.
                results.append(fails ? .retry(at: later(20)) : .finished)
            } else if fails {
                report.failures += 1
                let result = failure(of: record)
                if result.blocksLane { blockedLane = record.lane } else { movedLane = record.lane }
                results.append(result)
            } else {
                report.effects += 1
                try ledger.effect(number, index, generation: record.generation)
                // Where the budget refuses the move, the lane stays, and what came behind is handled again.
                if record.lane == movedLane { ledger.allowRepeat(number, index) }
                results.append(.finished)
            }
        }
        return results
    }
}
