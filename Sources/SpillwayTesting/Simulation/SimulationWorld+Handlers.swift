import Spillway
import SpillwayCore

/// Handlers of a user's in the simulation's world.
extension SimulationWorld {
    /// Starts a handler for the work that a process has taken last.
    mutating func hand(_ work: Work, to index: Int) {
        guard let runner else { return }
        let place = nodes[index].running.count - 1
        nodes[index].running[place].endsAt = .distantFuture
        let records: [Record]
        let number: Int
        switch work.content {
        case .records(let items):
            records = items.map(\.context.record)
            for item in items {
                let partition = item.context.partition.partition
                ledger.noteDelivery(partition, ledger.index(partition, of: item.context.record))
            }
            number = items[0].context.partition.partition
        case .batch(let batch, _):
            records = batch.records
            number = batch.partition.partition
            for record in records { ledger.noteDelivery(number, ledger.index(number, of: record)) }
        }
        trace.note("process \(nodes[index].process) begins to handle \(Self.names(records)) of partition \(number)")
        runner.begin(work, in: nodes[index].process)
    }

    /// Lets some handlers go on, and takes what has ended.
    mutating func letHandlersRun() throws(SimulationViolation) {
        guard let runner else { return }
        for _ in 0..<Int.random(in: 0...3, using: &random) { runner.proceed(using: &random) }
        for answer in runner.takeAnswers() { try take(answer) }
        for ended in runner.takeEnded() {
            // The answer of a process that was thought dead counts no more; what it has done is done.
            let index = nodes.firstIndex { $0.process == ended.process }
            let results: [WorkResult]
            switch (ended.work.content, ended.outcome) {
            case (.records(let records), .records(let outcomes)):
                results = try judge(records, outcomes, isHeard: index != nil)
            case (.batch(let batch, _), .batch(let error)): results = [try judge(batch, error)]
            case (.records, .batch), (.batch, .records): preconditionFailure("work ends as it began")
            }
            trace.note("process \(ended.process) ends work \(ended.work.id): \(Self.words(results))")
            guard let index, let place = nodes[index].running.firstIndex(where: { $0.work.id == ended.work.id })
            else { continue }
            nodes[index].running[place].results = results
            nodes[index].running[place].endsAt = later(5)
        }
        if runner.isStuck {
            throw SimulationViolation(
                "a handler waits for something that is not of the simulation: stores and clock of the surroundings only"
            )
        }
    }

    /// A handler has said where it begins.
    private mutating func take(_ answer: HandlerRunner.Answer) throws(SimulationViolation) {
        guard let index = nodes.firstIndex(where: { $0.process == answer.process }) else { return }
        guard let positions = answer.positions else {
            nodes[index].openings.append(SimulatedNode.Pending(value: answer.opening, at: later(20)))
            return
        }
        let partition = answer.opening.partition
        if let position = positions[partition] {
            trace.note("process \(answer.process) begins partition \(partition.partition) at \(position)")
            let (store, group) = (store, plan.settings.group)
            try ledger.pass(partition.partition, below: position, generation: answer.opening.generation) { position in
                store.entries[RecordName(group: group, partition: partition, position: position)] != nil
            }
            applied[partition.partition] = max(applied[partition.partition], position)
        }
        open(answer.opening, at: positions[partition], by: index)
        try pump(index)
    }

    private static func words(_ results: [WorkResult]) -> String {
        results.map { result in
            switch result {
            case .finished: "done"
            case .retry: "to be tried again"
            case .move(let move, _): "moved away: \(move.destination)"
            }
        }.joined(separator: ", ")
    }

    /// What a consumer makes of a handler's outcomes; what is done has taken effect.
    private mutating func judge(
        _ records: [WorkRecord], _ outcomes: [RecordOutcome], isHeard: Bool
    ) throws(SimulationViolation) -> [WorkResult] {
        var results: [WorkResult] = []
        var blockedLane: Int?
        var movedLane: Int?
        for (offset, record) in records.enumerated() {
            if record.lane == blockedLane {
                results.append(.retry(at: .zero))
                continue
            }
            let missing = HandlerError(.outcomeCountDiffers, "the handler answered too little", isRetriable: true)
            var outcome = offset < outcomes.count ? outcomes[offset] : .retry(missing)
            // The handler has done its work, and nobody hears of it.
            if phase == .faulty, random.chance(plan.failureRate) { outcome = .retry(missing) }
            let result = plan.retry.result(
                of: outcome, record, hasFailureStore: plan.settings.usesFailureStore, now: now, using: &random)
            let number = record.context.partition.partition
            let index = ledger.index(number, of: record.context.record)
            switch result {
            case .finished:
                if case .done = outcome {
                    report.effects += 1
                    try ledger.effect(number, index, generation: record.generation)
                    if record.lane == movedLane { ledger.allowRepeat(number, index) }
                } else if isHeard {
                    giveUp(number, index)
                }
            case .retry: report.failures += 1
            case .move:
                report.failures += 1
                let staysInOrder = result.blocksLane && plan.settings.order == .key
                if isHeard, !staysInOrder || record.context.record.key == nil { ledger.waive(number, index) }
                if !result.blocksLane { movedLane = record.lane }
            }
            if result.blocksLane { blockedLane = record.lane }
            results.append(result)
        }
        return results
    }

    private mutating func giveUp(_ number: Int, _ index: Int) {
        report.failures += 1
        ledger.waive(number, index)
        ledger.bury(number, index)
    }

    private mutating func judge(_ batch: RecordBatch, _ error: (any Error)?) throws(SimulationViolation) -> WorkResult {
        let number = batch.partition.partition
        guard error == nil, phase != .faulty || !random.chance(plan.failureRate) else {
            report.failures += 1
            return .retry(at: later(20))
        }
        for record in batch.records {
            report.effects += 1
            try ledger.effect(number, ledger.index(number, of: record), generation: batch.generation)
        }
        return .finished
    }
}
