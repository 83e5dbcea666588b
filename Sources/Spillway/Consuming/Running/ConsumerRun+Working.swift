import SpillwayCore
import Synchronization

extension ConsumerRun {
    /// A worker: handles one piece of work after the other.
    func work() async {
        let slot = WorkSlot()
        slots.withLock { $0.append(slot) }
        var next = await nextWork()
        while let work = next {
            switch (work.content, processor.shape) {
            case (.batch(let batch, let attempt), .partitionBatch(let handler)):
                let result = await measured(work.recordCount) { await handle(batch, attempt: attempt, handler) }
                next = end { engine, now in engine.completeBatch(work.id, result, now: now) }
            case (.records(let records), .records):
                noteQueueing(records)
                next = await handle(work.id, records, slot)
            case (.batch, .records), (.records, .partitionBatch):
                preconditionFailure("the engine hands out what its processor takes")
            }
            if next == nil { next = await nextWork() }
        }
    }

    /// Handles records, and takes the next piece of work if there is one.
    private func handle(_ id: UInt64, _ records: [WorkRecord], _ slot: WorkSlot) async -> Work? {
        let began = consumer.timeSource.now()
        let ends: [WorkEnd]
        if !processor.isSingle {
            let results = await measured(records.count) { await handle(records) }
            ends = zip(records, results).map { WorkEnd($0, $1) }
        } else if records.count == 1 {
            ends = [WorkEnd(records[0], await handle(records[0]))]
        } else {
            ends = await handleOneByOne(id, records, slot)
        }
        return end { engine, now in
            if !ends.isEmpty { engine.complete(id, ends, began: began, now: now) }
        }
    }

    private func nextWork() async -> Work? {
        await withCheckedContinuation { continuation in
            let now = consumer.timeSource.now()
            let (answer, isHeldByRate) = state.withLock { state -> (Work??, Bool) in
                if state.isStopped { return (.some(nil), false) }
                if let work = state.engine.takeWork(now: now) { return (.some(work), false) }
                state.idleWorkers.append(continuation)
                return (nil, state.engine.isHeldByRate(now: now))
            }
            if let answer { continuation.resume(returning: answer) }
            // Nobody else may come by to see that credits are wanted.
            if isHeldByRate { step { _, _ in } }
        }
    }

    /// Handles records whose handler takes one at a time; somebody relieves the worker if one of them takes long.
    private func handleOneByOne(_ id: UInt64, _ records: [WorkRecord], _ slot: WorkSlot) async -> [WorkEnd] {
        slot.begin(id, records)
        watchSlots()
        var place = 0
        while place < records.count, slot.claim(place) {
            let result = await handle(records[place])
            switch result {
            case .finished: break
            case .retry, .move: slot.note(result, at: place)
            }
            place += 1
        }
        return slot.takeEnds(place)
    }

    /// Handles one record: without interceptors without an array around it.
    private func handle(_ record: WorkRecord) async -> WorkResult {
        guard let single else { return await measured(1) { await handle([record]) }[0] }
        let outcome = await measured(1) { await single(record.context) }
        if case .done = outcome { return .finished }
        return await judge(outcome, of: record)
    }

    private func measured<Value>(_ count: Int, _ body: () async -> Value) async -> Value {
        guard let metrics else { return await body() }
        let start = consumer.timeSource.now()
        let value = await body()
        metrics.handling.record(consumer.timeSource.now() - start)
        metrics.batchRecords.record(count)
        return value
    }

    private func noteQueueing(_ records: [WorkRecord]) {
        guard let metrics else { return }
        let now = consumer.timeSource.now()
        for record in records { metrics.queueing.record(now - record.received) }
    }

    private func handle(
        _ batch: RecordBatch, attempt: Int, _ handler: @escaping HandleBatchNext
    ) async -> WorkResult {
        do {
            try await consumer.interceptors.around(handler, attempt: attempt)(batch)
            return .finished
        } catch {
            if !Task.isCancelled { logFailure("a batch of \(batch.partition) failed and is handled again", error) }
            return .retry(
                at: consumer.timeSource.now() + retry.backoff.delay(afterAttempts: attempt))
        }
    }

    private func handle(_ records: [WorkRecord]) async -> [WorkResult] {
        let outcomes = await handler(records.map(\.context))
        var results: [WorkResult] = []
        results.reserveCapacity(records.count)
        var blockedLane: Int?
        for (index, record) in records.enumerated() {
            if record.lane == blockedLane {
                // Handled again after the earlier one of its lane.
                results.append(.retry(at: .zero))
                continue
            }
            let outcome = index < outcomes.count ? outcomes[index] : .retry(Self.missingOutcome)
            let result = await judge(outcome, of: record)
            if result.blocksLane { blockedLane = record.lane }
            results.append(result)
        }
        return results
    }

    private static var missingOutcome: HandlerError {
        HandlerError(.outcomeCountDiffers, "an interceptor answered too few outcomes", isRetriable: true)
    }

    private func judge(_ outcome: RecordOutcome, of record: WorkRecord) async -> WorkResult {
        if case .done = outcome { return .finished }
        let context = record.context
        let policy = retry
        let now = consumer.timeSource.now()
        var random = SystemRandomNumberGenerator()
        let decision = policy.decision(
            on: outcome, attempt: context.attempt, rounds: record.rounds, using: &random)
        let retryAt = now + policy.backoff.delay(afterAttempts: context.attempt, using: &random)
        switch decision {
        case .finish: return .finished
        case .retry(let delay, let error):
            if !Task.isCancelled { logFailure("a record of \(context.partition) failed and is handled again", error) }
            return .retry(at: now + delay)
        case .hold(let delay, let error):
            if let refusal = Self.refusalToHold(context.record, after: error) {
                return await giveUp(context, refusal, orRetryAt: retryAt)
            }
            return .move(Move(.hold(until: now + delay), reason: Self.reason(error)), orRetryAt: retryAt)
        case .delay(let delay, let error):
            return .move(Move(.delay(until: now + delay), reason: Self.reason(error)), orRetryAt: retryAt)
        case .giveUp(let error): return await giveUp(context, error, orRetryAt: retryAt)
        }
    }

    /// Why a record that failed can't be held; `nil` if it can.
    private static func refusalToHold(_ record: Record, after error: any Error) -> FailureStoreError? {
        guard var refusal = FailureOperation.refusal(toHold: record.key) else { return nil }
        refusal.message += "; the handler failed with: \(error)"
        refusal.cause = error
        return refusal
    }

    /// What an error says, at most 1,000 bytes of it.
    private static func reason(_ error: any Error) -> String {
        String(decoding: "\(error)".utf8.prefix(1_000), as: UTF8.self)
    }

    /// Without a failure store the hook has the last word.
    private func giveUp(
        _ context: HandlingContext, _ error: any Error, orRetryAt retryAt: MonotonicInstant
    ) async -> WorkResult {
        guard consumer.failureStore == nil || context.record.position == nil else {
            return .move(Move(.deadLetter, reason: Self.reason(error)), orRetryAt: retryAt)
        }
        do {
            try await consumer.onGivenUp?(GivenUpRecord(context: context, error: error))
        } catch {
            logFailure("a record of \(context.partition) could not be given up and is handled again", error)
            return .retry(at: retryAt)
        }
        noteGivenUp(
            context.partition, position: context.record.position, attempts: context.attempt, reason: "\(error)")
        return .finished
    }

    /// Counts and logs a record that was given up, at most one line in ten seconds.
    func noteGivenUp(_ partition: TopicPartition, position: Position?, attempts: Int, reason: String) {
        metrics?.givenUp.increment()
        let now = consumer.timeSource.now()
        guard let suppressed = state.withLock({ $0.givenUpLogged.admit(now) }) else { return }
        consumer.logger.error(
            "a record was given up",
            metadata: [
                "partition": "\(partition)", "attempts": "\(attempts)", "error": "\(reason)",
                "position": "\(position.map { "\($0.high):\($0.low)" } ?? "none")", "suppressed": "\(suppressed)",
            ])
    }

    // MARK: Relief

    /// A worker that is at the same record after so long is relieved: what stands behind it goes to others.
    private static var patience: Duration { .milliseconds(2) }

    private func watchSlots() {
        if isWatchingSlots.load(ordering: .relaxed) { return }
        if !isWatchingSlots.exchange(true, ordering: .acquiringAndReleasing) { reliefSignal.set() }
    }

    /// Relieves workers while there are some with several records.
    func relieveWorkers() async {
        while !Task.isCancelled {
            guard isWatchingSlots.load(ordering: .acquiring) else {
                await reliefSignal.wait()
                continue
            }
            try? await consumer.timeSource.sleep(for: Self.patience)
            isWatchingSlots.store(false, ordering: .sequentiallyConsistent)
            var isBusy = false
            for slot in slots.withLock({ $0 }) {
                let hasMore = slot.relieve { id, ends, rest in
                    step { engine, now in
                        if !rest.isEmpty { engine.giveBack(id, rest, now: now) }
                        if !ends.isEmpty { engine.complete(id, ends, now: now) }
                    }
                }
                isBusy = isBusy || hasMore
            }
            if isBusy { watchSlots() }
        }
    }
}

package extension WorkResult {
    /// True if whatever the handler depends on may have had too much to do; a record that nothing can help says nothing of
    /// that.
    var isOverload: Bool {
        switch self {
        case .finished: false
        case .retry: true
        case .move(let move, _): move.destination != .deadLetter
        }
    }

    /// True if what follows in the lane waits for the record.
    var blocksLane: Bool {
        switch self {
        case .finished: false
        case .retry: true
        case .move(let move, _):
            switch move.destination {
            case .hold: true
            case .delay, .deadLetter: false
            }
        }
    }
}
