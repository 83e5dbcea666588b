import SpillwayCore
import Synchronization

/// What a consumer measures, by group and topic.
struct ConsumerMetrics: Sendable {
    let lagRecords: Meter
    let lagSeconds: Meter
    let partitions: Meter
    let lanes: Meter
    let parkedLanes: Meter
    let inFlightRecords: Meter
    let inFlightBytes: Meter
    let intakePaused: Meter
    let handling: Timer
    let queueing: Timer
    let batchRecords: Recorder
    let records: Counter
    let retries: Counter
    let givenUp: Counter
    let commits: Counter
    let failedCommits: Counter
    let staleRecords: Counter
    let lateCompletions: Counter
    let skippedByHint: Counter
    let foreignHints: Counter
    let moved: Counter
    let returned: Counter
    let refusedMoves: Counter
    let failedMoves: Counter
    let heated: Counter
    let hotKeys: Meter
    let heldKeys: Meter
    let stuckRecords: Meter
    let reconnects: Counter

    init(registry: MetricsRegistry, group: String, topic: String) throws {
        let labels = [("group", group), ("topic", topic)]
        func meter(_ name: String, _ help: String) throws -> Meter {
            try registry.meter("spillway_consumer_\(name)", help: help, labels: labels)
        }
        func counter(_ name: String, _ help: String) throws -> Counter {
            try registry.counter("spillway_consumer_\(name)_total", help: help, labels: labels)
        }
        lagRecords = try meter("lag_records", "Durable records from each partition's lowest unfinished one on.")
        lagSeconds = try meter("lag_seconds", "Age of the oldest record that this member has not finished.")
        partitions = try meter("partitions", "Partitions that this member owns.")
        lanes = try meter("lanes", "Keys, or partitions, that have records in the consumer.")
        parkedLanes = try meter("parked_lanes", "Lanes that wait for their next attempt.")
        inFlightRecords = try meter("in_flight_records", "Records in the consumer, waiting or being handled.")
        inFlightBytes = try meter("in_flight_bytes", "Bytes of the records in the consumer.")
        intakePaused = try meter("intake_paused", "1 while nothing is fetched because a limit was reached.")
        queueing = try registry.timer(
            "spillway_consumer_queue_seconds", help: "Time from a record's fetch to the start of its handling.",
            labels: labels)
        handling = try registry.timer(
            "spillway_consumer_handling_seconds", help: "Time to handle a record or a batch.", labels: labels)
        batchRecords = try registry.recorder(
            "spillway_consumer_batch_records", help: "Records handed to the handler at a time.", labels: labels,
            buckets: [1, 4, 16, 64, 256, 1_024, 4_096, 16_384])
        records = try counter("records", "Records that have their final state.")
        retries = try counter("retries", "Records that failed and are handled again.")
        givenUp = try counter("given_up", "Records that were given up.")
        commits = try counter("commits", "Commits that the broker took.")
        failedCommits = try counter("failed_commits", "Commits that the broker refused or that failed.")
        staleRecords = try counter("stale_records", "Records that came for a partition that had gone.")
        lateCompletions = try counter(
            "late_completions", "Records whose handling ended after their partition had gone.")
        skippedByHint = try counter("skipped_by_hint", "Records that the last commit's hint said were finished.")
        foreignHints = try counter("foreign_hints", "Commit hints that were not understood.")
        moved = try counter("moved", "Records that went to the side queue.")
        returned = try counter("returned", "Records that came back from the side queue.")
        refusedMoves = try counter(
            "refused_moves", "Failed records that stayed because the budget for moves was spent.")
        failedMoves = try counter("failed_moves", "Writes to the side queue or the dead letters that failed.")
        heated = try counter("hot_keys", "Times a key became hot.")
        hotKeys = try meter("hot_keys", "Keys that are hot now.")
        heldKeys = try meter("held_keys", "Keys that wait in the side queue.")
        stuckRecords = try meter(
            "stuck_records", "Records whose handler has not returned for longer than it may, at most 100.")
        reconnects = try counter("reconnects", "Times the subscription broke and was made again.")
    }

    /// Sets the meters, and adds to the counters what the engine has counted since the last time.
    func update(_ engine: EngineFigures, since last: EngineCounters) {
        partitions.set(engine.partitions)
        lanes.set(engine.lanes)
        parkedLanes.set(engine.parkedLanes)
        inFlightRecords.set(engine.inFlightRecords)
        inFlightBytes.set(engine.inFlightBytes)
        hotKeys.set(engine.hotKeys)
        heldKeys.set(engine.heldKeys)
        intakePaused.set(engine.isIntakePaused ? 1 : 0)
        let now = engine.counters
        func add(_ counter: Counter, _ count: KeyPath<EngineCounters, Int>) {
            let difference = now[keyPath: count] - last[keyPath: count]
            if difference > 0 { counter.increment(by: Int64(difference)) }
        }
        add(records, \.finished)
        add(retries, \.retries)
        add(commits, \.commits)
        add(failedCommits, \.failedCommits)
        add(staleRecords, \.stale)
        add(lateCompletions, \.lateCompletions)
        add(skippedByHint, \.skippedByHint)
        add(foreignHints, \.foreignHints)
        add(moved, \.moved)
        add(returned, \.returned)
        add(refusedMoves, \.refusedMoves)
        add(failedMoves, \.failedMoves)
        add(heated, \.heated)
    }
}

/// What of an engine is shown.
struct EngineFigures: Sendable {
    var partitions: Int
    var lanes: Int
    var parkedLanes: Int
    var inFlightRecords: Int
    var inFlightBytes: Int
    var isIntakePaused: Bool
    var hotKeys: Int
    var heldKeys: Int
    var counters: EngineCounters

    init(_ engine: ConsumerEngine) {
        partitions = engine.epochs.count
        lanes = engine.laneCount
        parkedLanes = engine.parkedLaneCount
        inFlightRecords = engine.inFlightRecords
        inFlightBytes = engine.inFlightBytes
        isIntakePaused = engine.isIntakePaused
        hotKeys = engine.hotKeyCount
        heldKeys = engine.heldKeyCount
        counters = engine.counters
    }
}
