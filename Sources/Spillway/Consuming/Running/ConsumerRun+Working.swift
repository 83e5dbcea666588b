import SpillwayCore
import Synchronization

extension ConsumerRun {
    /// A worker: handles one piece of work after the other.
    func work() async {
        while let work = await nextWork() {
            let results = await handle(work)
            step { engine, now in engine.complete(work.id, results, now: now) }
        }
    }

    private func nextWork() async -> Work? {
        await withCheckedContinuation { continuation in
            let now = consumer.timeSource.now()
            let answer = state.withLock { state -> Work?? in
                if state.isStopped { return .some(nil) }
                if let work = state.engine.takeWork(now: now) { return work }
                state.idleWorkers.append(continuation)
                return nil
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private func handle(_ work: Work) async -> [WorkResult] {
        let start = consumer.timeSource.now()
        defer {
            if let metrics = consumer.metrics {
                metrics.handling.record(consumer.timeSource.now() - start)
                metrics.batchRecords.record(work.recordCount)
            }
        }
        switch (work.content, consumer.processor.shape) {
        case (.batch(let batch, let attempt), .partitionBatch(let handler)):
            return [await handle(batch, attempt: attempt, handler)]
        case (.records(let records), .records(let handler)):
            return await handle(records, handler)
        case (.batch, .records), (.records, .partitionBatch):
            preconditionFailure("the engine hands out what its processor takes")
        }
    }

    private func handle(
        _ batch: RecordBatch, attempt: Int, _ handler: @escaping HandleBatchNext
    ) async -> WorkResult {
        do {
            try await chain(from: 0, attempt: attempt, handler)(batch)
            return .finished
        } catch {
            if !Task.isCancelled { logFailure("a batch of \(batch.partition) failed and is handled again", error) }
            return .retry(
                at: consumer.timeSource.now() + consumer.configuration.retry.backoff.delay(afterAttempts: attempt))
        }
    }

    private func handle(_ records: [WorkRecord], _ handler: @escaping HandleNext) async -> [WorkResult] {
        let outcomes = await chain(from: 0, handler)(records.map(\.context))
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
            let result = await judge(outcome, of: record.context)
            if result != .finished { blockedLane = record.lane }
            results.append(result)
        }
        return results
    }

    private static var missingOutcome: HandlerError {
        HandlerError(.outcomeCountDiffers, "an interceptor answered too few outcomes", isRetriable: true)
    }

    private func judge(_ outcome: RecordOutcome, of context: HandlingContext) async -> WorkResult {
        let policy = consumer.configuration.retry
        var random = SystemRandomNumberGenerator()
        switch policy.decision(on: outcome, attempt: context.attempt, using: &random) {
        case .finish: return .finished
        case .retry(let delay, let error):
            if !Task.isCancelled { logFailure("a record of \(context.partition) failed and is handled again", error) }
            return .retry(at: consumer.timeSource.now() + delay)
        case .giveUp(let error):
            do {
                try await giveUp(context, error)
                return .finished
            } catch {
                logFailure("a record of \(context.partition) could not be given up and is handled again", error)
                let delay = policy.backoff.delay(afterAttempts: context.attempt)
                return .retry(at: consumer.timeSource.now() + delay)
            }
        }
    }

    private func giveUp(_ context: HandlingContext, _ error: any Error) async throws {
        try await consumer.onGivenUp?(GivenUpRecord(context: context, error: error))
        consumer.metrics?.givenUp.increment()
        let now = consumer.timeSource.now()
        guard let suppressed = state.withLock({ $0.givenUpLogged.admit(now) }) else { return }
        consumer.logger.error(
            "a record was given up",
            metadata: [
                "partition": "\(context.partition)", "attempts": "\(context.attempt)", "error": "\(error)",
                "position": "\(context.record.position.map { "\($0.high):\($0.low)" } ?? "none")",
                "suppressed": "\(suppressed)",
            ])
    }

    private func chain(from index: Int, _ handler: @escaping HandleNext) -> HandleNext {
        guard index < consumer.interceptors.count else { return handler }
        let interceptor = consumer.interceptors[index]
        let next = chain(from: index + 1, handler)
        return { await interceptor.handle($0, next: next) }
    }

    private func chain(from index: Int, attempt: Int, _ handler: @escaping HandleBatchNext) -> HandleBatchNext {
        guard index < consumer.interceptors.count else { return handler }
        let interceptor = consumer.interceptors[index]
        let next = chain(from: index + 1, attempt: attempt, handler)
        return { try await interceptor.handle($0, attempt: attempt, next: next) }
    }
}
