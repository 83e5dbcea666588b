package import SpillwayCore

/// The consumer engine: decides what is fetched, handled, tried again, moved away and committed. It does no input or
/// output, knows no clock and draws no random numbers.
///
/// Inputs are assignments, revocations, fetched records, completions and the time; outputs are ``takeActions()``,
/// ``takeWork(now:)``, ``takeCommits(now:)``, ``takeSideWrites(now:wallMs:)`` and ``takeSideLoads(now:wallMs:)``, to be
/// asked for after every input and carried out outside of any lock. Work that is taken must be completed exactly once,
/// even after its partition has gone: it holds permits.
package struct ConsumerEngine: Sendable {
    var settings: EngineSettings
    var permits: Permits
    /// What records that came back from the side queue hold, beside ``permits``.
    var sideHeld = Permits.Demand(records: 0, bytes: 0)
    var states = PartitionTable()
    var epochs: [TopicPartition: UInt64] = [:]
    var lanes: LaneScheduler
    var readyPartitions = Ring<UInt64>()
    var running: [UInt64: RunningWork] = [:]
    /// How many pieces of work each pool has with workers.
    var busy = [Int](repeating: 0, count: LanePool.allCases.count)
    var runningRecords = 0
    var actions = EngineActions()
    /// How many seeks it has asked for.
    package internal(set) var seeksAsked: UInt64 = 0
    /// What the engine has counted.
    package internal(set) var counters = EngineCounters()
    /// Until when what runs may end once shutdown has begun, also work of partitions that have gone.
    var shutdownDeadline: MonotonicInstant?
    /// Operators have paused the consumer.
    var isAllPaused = false
    /// The assignments that are draining.
    var draining: Set<UInt64> = []
    /// The assignments that wait for their ends before they go on elsewhere.
    var seeking: Set<UInt64> = []
    var commitInFlight: [Commit]?
    var nextCommitAt: MonotonicInstant?
    /// After a failed commit the next one waits until then.
    var noCommitBefore = MonotonicInstant.zero
    /// When the first failed batch of a partition is due again.
    var nextPartitionRetry: MonotonicInstant?
    /// Since when a pool's batch could be taken, but for the rate.
    var rateWaits = [MonotonicInstant?](repeating: nil, count: LanePool.allCases.count)
    var hotKeys: HotKeys?
    var gate: RateGate
    var adaptive: GradientLimit?
    var budget: MoveBudget
    /// How long a record takes where records are handled one by one, as a moving average; `nil` before the first.
    var handlingNs: Double?
    var heldKeys = HeldKeys()
    var side = SideTraffic()
    private var lastEpoch: UInt64 = 0
    var lastWork: UInt64 = 0

    /// Work that is with a worker.
    struct RunningWork: Sendable {
        var pool = LanePool.shared
        /// How many of its records are not completed yet.
        var records: Int
        /// How many were taken, and when.
        var taken = 0
        var since = MonotonicInstant.zero
        /// Of a slice of a partition: which.
        var batch: (epoch: UInt64, permits: Permits.Demand)?
    }

    /// Makes an engine that owns nothing yet.
    package init(_ settings: EngineSettings) {
        self.settings = settings
        let share = settings.sideShare
        permits = Permits(
            maxRecords: max(1, settings.maxInFlightRecords - share.records),
            maxBytes: max(1, settings.maxInFlightBytes - share.bytes), resumeAt: settings.resumeIntakeAt)
        lanes = LaneScheduler(order: settings.order)
        hotKeys = settings.hotKeys.map { HotKeys($0) }
        gate = RateGate(settings.rate, now: .zero)
        gate.leased = settings.leasedRate
        adaptive = settings.adaptiveConcurrency.map { GradientLimit($0, most: settings.concurrency) }
        budget = MoveBudget(settings.moveBudget)
    }

    mutating func nextEpoch() -> UInt64 {
        lastEpoch += 1
        return lastEpoch
    }

    // MARK: Records

    /// Takes in fetched records, if they are of the place where their partition stands.
    ///
    /// A batch that was on its way while a seek was carried out may be of the old place or of the new one. The second can't
    /// be told from the first, so it is dropped either way and the seek asked for again: taken in, records of a later place
    /// would hide those that the seek goes back to.
    ///
    /// - Parameter seeksDone: how many of the engine's seeks (``EngineActions/seeksAsked``) had been carried out when the
    ///   broker was asked for the event that this is.
    /// - Returns: false if a seek was asked for again; it is to be carried out before the next event is asked for.
    @discardableResult
    package mutating func receive(_ batch: RecordBatch, seeksDone: UInt64, now: MonotonicInstant) -> Bool {
        let bytes = batch.records.reduce(0) { $0 + $1.byteCount }
        permits.received(records: batch.records.count, bytes: bytes)
        counters.received += batch.records.count
        guard let epoch = epochs[batch.partition], let slot = states.slot(of: epoch),
            states[slot].generation == batch.generation, states[slot].phase == .active
        else {
            counters.stale += batch.records.count
            permits.release(records: batch.records.count, bytes: bytes)
            return true
        }
        guard states[slot].seek <= seeksDone else {
            counters.stale += batch.records.count
            permits.release(records: batch.records.count, bytes: bytes)
            askForSeek(slot)
            return false
        }
        if settings.isPartitionBatch {
            receive(batch.records, bytes: bytes, into: slot, now: now)
        } else {
            for record in batch.records { receive(record, into: slot, now: now) }
        }
        pauseIfFull(slot)
        return true
    }

    private mutating func receive(_ records: [Record], bytes: Int, into slot: Int, now: MonotonicInstant) {
        let wasReady = states[slot].queue.isReady(now)
        let dropped = states[slot].queue.receive(records, bytes: bytes)
        counters.repeated += dropped.records
        permits.release(records: dropped.records, bytes: dropped.bytes)
        states[slot].held = states[slot].queue.held
        if !wasReady, states[slot].queue.isReady(now) { readyPartitions.append(states[slot].epoch) }
    }

    private mutating func receive(_ record: consuming Record, into slot: Int, now: MonotonicInstant) {
        let bytes = record.byteCount
        var place: UInt64?
        if let position = record.position {
            place = states[slot].window.receive(position, timestampMs: record.timestampMs)
            guard let place else {
                counters.repeated += 1
                return permits.release(records: 1, bytes: bytes)
            }
            states[slot].lastReceived = position
            if states[slot].wasFinished(position) {
                counters.skippedByHint += 1
                _ = states[slot].window.finish(place)
                noteFinished(1, in: slot, now: now)
                return permits.release(records: 1, bytes: bytes)
            }
        }
        let epoch = states[slot].epoch
        states[slot].held.records += 1
        states[slot].held.bytes += bytes
        let hash = lanes.hash(of: record, epoch: epoch)
        if let hash { observe(hash, record, epoch: epoch, now: now) }
        var entry = LaneEntry(record: record, epoch: epoch, slot: slot, place: place, bytes: bytes)
        entry.received = now
        guard let hash else {
            lanes.place(lanes.add(entry), hash: nil, now: now)
            return
        }
        if !heldKeys.isEmpty, let held = heldKeys.find(hash, epoch: epoch, key: entry.record.key ?? []) {
            return receive(entry, ofHeld: held, now: now)
        }
        let isOverflowing = isOverflowing(hash, entry)
        let number = lanes.add(entry)
        if isOverflowing { return spill(number, hash: hash, now: now) }
        lanes.place(number, hash: hash, now: now)
    }

    private mutating func observe(_ hash: UInt64, _ record: Record, epoch: UInt64, now: MonotonicInstant) {
        guard hotKeys?.observe(hash, epoch: epoch, key: record.key ?? [], now: now) == true else { return }
        settleHotKeys()
    }

    /// Tells the lanes which keys are hot.
    mutating func settleHotKeys() {
        let hashes = Set((hotKeys?.keys ?? [:]).keys)
        counters.heated += hashes.subtracting(lanes.hotHashes).count
        lanes.hotHashes = hashes
    }

    // MARK: Flow

    /// Pauses a partition that holds its share, so that it can't take the permits of the others.
    private mutating func pauseIfFull(_ slot: Int) {
        guard !states[slot].isPaused, states[slot].phase == .active else { return }
        let share = permits.share(of: states.count)
        let held = states[slot].held
        guard
            states[slot].window.trackedCount >= settings.maxUncommittedRecords
                || (states.count > 1 && (held.records >= share.records || held.bytes >= share.bytes))
        else { return }
        states[slot].isPaused = true
        if !states[slot].isPausedByUser { actions.setPaused(true, states[slot].partition) }
    }

    /// The share of each partition is larger: those that the smaller one stopped go on.
    mutating func resumeWhereRoom() {
        guard states.hasPaused else { return }
        for epoch in states.epochs {
            if let slot = states.slot(of: epoch) { resumeIfRoom(slot) }
        }
    }

    mutating func resumeIfRoom(_ slot: Int) {
        guard states.isPaused(slot), states[slot].phase == .active else { return }
        let share = permits.share(of: states.count)
        let held = states[slot].held
        guard states[slot].window.trackedCount < max(1, settings.maxUncommittedRecords / 2 + 1),
            held.records * 2 <= share.records, held.bytes * 2 <= share.bytes
        else { return }
        states[slot].isPaused = false
        if !states[slot].isPausedByUser { actions.setPaused(false, states[slot].partition) }
    }

    /// What is to be done now, each thing once.
    package mutating func takeActions() -> EngineActions {
        if let demand = permits.takeDemand(partitions: epochs.count) {
            actions.request = (demand.records, demand.bytes)
        }
        defer { actions = EngineActions() }
        return actions
    }
}
