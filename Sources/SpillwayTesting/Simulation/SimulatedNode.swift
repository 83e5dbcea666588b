import Spillway
import SpillwayCore

/// A process with a consumer: its engine, what is on the way to it, and what its workers do.
struct SimulatedNode: Sendable {
    struct Running: Sendable {
        var work: Work
        var endsAt: MonotonicInstant
        /// The partitions that have gone elsewhere without waiting for it.
        var leftBehind: Set<Int> = []
        /// What a user's handler has made of it.
        var results: [WorkResult]?
    }

    enum Event: Sendable {
        case assigned(Assignment)
        case revoking(Int)
        case lost(Int)
        case records(RecordBatch)
    }

    struct Pending<Value: Sendable>: Sendable {
        var value: Value
        var at: MonotonicInstant
    }

    var engine: ConsumerEngine
    /// Names the process: a new one after each crash.
    let process: Int
    var inbox: [Event] = []
    /// What was taken out of the inbox, and has not reached the engine yet.
    var hand: Event?
    /// How many of the engine's seeks had been carried out when its next event was asked for.
    var seeksDone: UInt64 = 0
    var running: [Running] = []
    /// The partitions that the broker delivers nothing of, owned or not.
    var paused: Set<Int> = []
    var demandRecords = 0
    var demandBytes = 0
    var openings: [Pending<EngineActions.Opening>] = []
    var commits: Pending<[Commit]>?
    var sideWrites: Pending<SideWrites>?
    /// What is to be read, and what was found where that was read at once.
    var sideLoads: Pending<(loads: [SideLoad], answers: [SideLoaded?]?)>?
    var isLeaving = false
    /// When a revocation arrived, by partition.
    var revokedAt: [Int: MonotonicInstant] = [:]
    /// The generation of the last assignment that arrived, by partition.
    var generations: [Int: UInt64] = [:]
    /// Generations whose loss has arrived, by partition.
    var lost: [Int: Set<UInt64>] = [:]

    init(_ settings: EngineSettings, process: Int) {
        engine = ConsumerEngine(settings)
        self.process = process
    }

    /// Partitions that records with workers belong to.
    var runningPartitions: Set<Int> {
        var partitions: Set<Int> = []
        for item in running {
            switch item.work.content {
            case .records(let records): partitions.formUnion(records.map(\.context.partition.partition))
            case .batch(let batch, _): partitions.insert(batch.partition.partition)
            }
        }
        return partitions
    }
}
