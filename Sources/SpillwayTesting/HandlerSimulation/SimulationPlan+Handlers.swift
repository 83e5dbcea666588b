import Spillway
import SpillwayCore

extension SimulationPlan {
    /// What a seed makes of a run of a user's handler: its order and what follows failures are the user's, the rest is
    /// drawn.
    init(_ random: inout SeededRandom, processor: Processor, consumer: ConsumerConfiguration) {
        self.init(&random)
        let drawn = settings
        let mayMove = !processor.isPartitionBatch && consumer.order != .partition
        let hasStore = mayMove && (consumer.needsFailureStore || random.chance(0.5))
        settings = EngineSettings(consumer, processor: processor, usesFailureStore: hasStore)
        settings.limits.maxDelay = min(settings.limits.maxDelay, .milliseconds(20))
        settings.concurrency = workers
        settings.maxInFlightRecords = max(2, drawn.maxInFlightRecords)
        settings.maxInFlightBytes = drawn.maxInFlightBytes
        settings.maxUncommittedRecords = drawn.maxUncommittedRecords
        settings.commitInterval = drawn.commitInterval
        settings.commitRecords = drawn.commitRecords
        settings.maxCommitHintBytes = drawn.maxCommitHintBytes
        settings.revocationDrainTimeout = drawn.revocationDrainTimeout
        settings.shutdownDrainTimeout = drawn.shutdownDrainTimeout
        // A handler that refuses much goes on slowly, but goes on.
        settings.moveBudget = drawn.moveBudget
        settings.moveBudget.earnedByMinute = 60_000
        settings.rate = drawn.rate
        // Nobody would answer what the engine asks of a shared rate.
        settings.leasedRate = nil
        settings.adaptiveConcurrency = drawn.adaptiveConcurrency
        if settings.hotKeys != nil { settings.hotKeys = drawn.hotKeys }
        badKeys = []
        badRecordsPerPartition = 0
        retry = RetryPolicy(
            backoff: Backoff(base: .milliseconds(1), maximum: .milliseconds(20)),
            maxAttempts: consumer.retry.maxAttempts, whenExhausted: consumer.retry.whenExhausted,
            sideBackoff: Backoff(base: .milliseconds(5), maximum: .milliseconds(100)),
            maxRounds: consumer.retry.maxRounds, moveBudget: settings.moveBudget)
    }
}

extension SimulationLedger {
    /// The user's messages, each where its key belongs.
    init(_ messages: [Message], _ plan: SimulationPlan, _ random: inout SeededRandom) {
        self.init(partitions: plan.partitions, order: plan.settings.order)
        var positions = (0..<plan.partitions).map { $0.isMultiple(of: 2) ? .start : Position(high: 1, low: 7) }
        var keys: [[UInt8]: Int] = [:]
        for (place, message) in messages.enumerated() {
            let number =
                message.key.map { KeyPartitioner.partition(for: $0, of: plan.partitions) } ?? place % plan.partitions
            let gap = UInt64.random(in: 1...4, using: &random)
            if !partitions[number].entries.isEmpty { positions[number].low += gap }
            if random.chance(0.01) { positions[number] = Position(high: positions[number].high + 1, low: 1) }
            // A record without a key has one that no other has.
            var key = -1 - place
            if let bytes = message.key {
                key = keys[bytes] ?? keys.count
                keys[bytes] = key
            }
            append(message, key: key, at: positions[number], to: number)
        }
    }
}
