import Spillway
import SpillwayCore

/// What a seed makes of a run: the shape of the consumer and of its world.
struct SimulationPlan: Sendable {
    var partitions: Int
    var nodes: Int
    var workers: Int
    var keys: Int
    var recordsPerPartition: Int
    var faultySteps: Int
    var settings: EngineSettings
    /// Keys whose handling fails until the world heals, and how many records each partition has of them.
    var badKeys: Set<Int>
    var badRecordsPerPartition: Int
    var failureRate: Double
    var crashRate: Double
    var moveRate: Double
    var controlRate: Double
    /// How often a record is handled before it is moved away.
    var attemptsInPlace: Int
    /// Records that fail are held with their key, else only delayed; some are buried.
    var holds: Bool
    var buries: Bool
    /// How many entries the failure store takes.
    var storeLimit: Int
    /// What happens to records that a user's handler fails.
    var retry = RetryPolicy()

    init(_ random: inout SeededRandom) {
        partitions = Int.random(in: 1...4, using: &random)
        nodes = Int.random(in: 1...3, using: &random)
        workers = Int.random(in: 1...5, using: &random)
        keys = Int.random(in: 1...8, using: &random)
        recordsPerPartition = Int.random(in: 20...120, using: &random)
        faultySteps = Int.random(in: 100...1_500, using: &random)
        failureRate = [0, 0.05, 0.3].randomElement(using: &random) ?? 0
        crashRate = [0, 0.002, 0.01].randomElement(using: &random) ?? 0
        moveRate = [0, 0.005, 0.03].randomElement(using: &random) ?? 0
        controlRate = [0, 0.02].randomElement(using: &random) ?? 0
        attemptsInPlace = Int.random(in: 1...3, using: &random)
        holds = random.chance(0.7)
        buries = random.chance(0.5)
        storeLimit = [30, 10_000].randomElement(using: &random) ?? 30

        var configuration = ConsumerConfiguration(topic: "t", group: "g")
        configuration.order = [OrderMode.key, .key, .key, .partition, .none].randomElement(using: &random) ?? .key
        configuration.maxInFlightRecords = Int.random(in: 1...80, using: &random)
        configuration.maxInFlightBytes = [200, 2_000, 1 << 20].randomElement(using: &random) ?? 2_000
        configuration.maxUncommittedRecords = [8, 50, 10_000].randomElement(using: &random) ?? 50
        configuration.commitInterval = .milliseconds(Int.random(in: 1...200, using: &random))
        configuration.commitRecords = Int.random(in: 1...40, using: &random)
        configuration.maxCommitHintBytes = [0, 40, 1_024].randomElement(using: &random) ?? 0
        configuration.revocationDrainTimeout = .milliseconds(Int.random(in: 0...400, using: &random))
        configuration.shutdownDrainTimeout = .seconds(60)
        let limits = BatchLimits(
            maxRecords: [1, 1, 7, 30].randomElement(using: &random) ?? 1,
            maxBytes: [1, 100, 1 << 20].randomElement(using: &random) ?? 100,
            maxDelay: .milliseconds([0, 0, 20].randomElement(using: &random) ?? 0))
        let handlesSlices = random.chance(0.3)
        let handler = OwningHandler()
        let processor: Processor =
            handlesSlices
            ? .partitionBatch(handler, maxRecords: limits.maxRecords, maxBytes: max(20, limits.maxBytes))
            : .batch(DeafHandler(), limits: limits)
        settings = EngineSettings(configuration, processor: processor)
        settings.isSingle = !handlesSlices && limits.maxRecords == 1 && limits.maxDelay == .zero
        settings.asksForPositions = handlesSlices && random.chance(0.7)
        settings.concurrency = workers

        let isByKey = !handlesSlices && configuration.order != .partition
        if isByKey, configuration.maxInFlightRecords > 1 { settings.usesFailureStore = random.chance(0.6) }
        settings.moveBudget = MoveBudgetPolicy(
            capacity: [1, 5, 1_000].randomElement(using: &random) ?? 5,
            earnedBySuccess: [0.1, 1].randomElement(using: &random) ?? 1)
        settings.rate.recordsPerSecond = [nil, nil, 400].randomElement(using: &random) ?? nil
        settings.adaptiveConcurrency = random.chance(0.2) ? AdaptiveConcurrency(initialLimit: 1) : nil
        if configuration.order == .key, !handlesSlices, random.chance(0.6) {
            settings.hotKeys = HotKeyPolicy(
                share: 0.3, window: .milliseconds(100), minRecords: 8, workers: Int.random(in: 1...2, using: &random),
                maxQueuedRecords: Int.random(in: 1...4, using: &random), overflow: .sideQueue)
        } else {
            settings.hotKeys = nil
        }
        let inFlight = configuration.maxInFlightRecords - settings.sideShare.records
        let share = max(1, Int(Double(inFlight) * 0.75) / (2 * partitions))
        let hasRoom = configuration.maxInFlightBytes > 200 && configuration.maxUncommittedRecords > 1_000
        badRecordsPerPartition = isByKey && hasRoom ? min(3, share / 2) : 0
        badKeys = badRecordsPerPartition > 0 && keys > 1 ? [0] : []
    }

    private struct OwningHandler: PartitionBatchHandler {
        func handle(_ batch: RecordBatch) async throws {}
    }

    private struct DeafHandler: BatchHandler {
        func decode(_ record: Record) throws {}
        func handle(_ items: [BatchItem<Void>], prepared: Void) async throws -> [RecordOutcome] { [] }
    }
}
