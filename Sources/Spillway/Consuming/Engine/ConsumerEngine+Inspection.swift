package import SpillwayCore

/// A record in an engine, for people.
package struct InspectedRecord: Sendable, Equatable {
    package var partition: TopicPartition
    package var position: Position?
    package var key: [UInt8]?
    package var attempts: Int
    /// Since when it is here, or with a worker.
    package var since: MonotonicInstant
    package var state: RecordState
}

/// What of an engine operators look at.
package struct EngineInspection: Sendable {
    package struct Partition: Sendable {
        package var partition: TopicPartition
        package var next: Position
        package var tracked: Int
        package var held: Int
        package var isPaused: Bool
        /// The lowest unfinished record: what holds the commit back.
        package var blocking: InspectedRecord?
    }

    package struct LaneFigures: Sendable {
        package var partition: TopicPartition
        package var key: [UInt8]
        package var records: Int
        package var isHot: Bool
        package var state: RecordState
    }

    package struct HotKeyFigures: Sendable {
        package var partition: TopicPartition
        package var key: [UInt8]
        package var share: Double
        package var since: MonotonicInstant
    }

    package var partitions: [Partition] = []
    package var lanes: [LaneFigures] = []
    package var hotKeys: [HotKeyFigures] = []
    package var heldKeys = 0
    package var inFlightRecords = 0
    package var inFlightBytes = 0
    package var runningRecords = 0
    package var isIntakePaused = false
    package var isSideQueueFull = false
    package var moveTokens = 0.0
}

extension ConsumerEngine {
    /// How everything stands; costs a walk over what is in flight.
    ///
    /// - Parameter longest: how many of the longest lanes are named.
    package func inspect(longest: Int) -> EngineInspection {
        var inspection = EngineInspection()
        var lowest: [UInt64: Int] = [:]
        for number in lanes.liveRecords {
            guard let place = lanes.entries[number].place else { continue }
            let epoch = lanes.entries[number].epoch
            if let other = lowest[epoch], (lanes.entries[other].place ?? 0) < place { continue }
            lowest[epoch] = number
        }
        for state in states.all {
            let isBatch = settings.isPartitionBatch
            inspection.partitions.append(
                EngineInspection.Partition(
                    partition: state.partition, next: commitPosition(of: state),
                    tracked: isBatch ? state.held.records : state.window.trackedCount, held: state.held.records,
                    isPaused: state.isPaused || state.isPausedByUser || state.isPlacing,
                    blocking: isBatch ? blockingBatch(state) : lowest[state.epoch].map { inspected($0) }))
        }
        inspection.lanes = longestLanes(longest)
        inspection.hotKeys = hotKeyFigures
        inspection.heldKeys = heldKeys.count
        inspection.inFlightRecords = inFlightRecords
        inspection.inFlightBytes = inFlightBytes
        inspection.runningRecords = runningRecords
        inspection.isIntakePaused = isIntakePaused
        inspection.isSideQueueFull = side.isFull
        inspection.moveTokens = budget.tokens
        return inspection
    }

    /// The hot keys, those with the greatest shares first.
    package var hotKeyFigures: [EngineInspection.HotKeyFigures] {
        (hotKeys?.keys ?? [:]).compactMap { hash, key in
            guard let state = states[epoch: key.epoch] else { return nil }
            return EngineInspection.HotKeyFigures(
                partition: state.partition, key: key.name, share: hotKeys?.share(of: hash) ?? 0, since: key.since)
        }.sorted { $0.share > $1.share }
    }

    /// Records that have been with a worker since before a time, at most so many; of partitions that go elsewhere or away
    /// until they have gone.
    package func stuckRecords(startedBefore limit: MonotonicInstant, most: Int) -> [InspectedRecord] {
        var stuck: [InspectedRecord] = []
        for number in lanes.liveRecords where stuck.count < most {
            guard lanes.isWithWorker(number), lanes.entries.started(number) < limit,
                states.isLive(lanes.entries.slot(number), lanes.entries.epoch(number))
            else { continue }
            stuck.append(inspected(number))
        }
        return stuck
    }

    private func inspected(_ number: Int) -> InspectedRecord {
        let entry = lanes.entries[number]
        let state = recordState(number)
        return InspectedRecord(
            partition: states[entry.slot].partition, position: entry.record.position,
            key: entry.record.key.map { Array($0.prefix(HotKeys.nameBytes)) }, attempts: entry.attempts,
            since: state == .running ? entry.started : entry.received, state: state)
    }

    private func recordState(_ number: Int) -> RecordState {
        let entry = lanes.entries[number]
        if side.reasons[number] != nil { return .moving }
        if lanes.isOrphan(number) { return .running }
        let lane = lanes[entry.lane]
        guard lane.epoch == entry.epoch else { return .moving }
        switch lane.state {
        case .running: return lanes.isWithWorker(number) ? .running : .waiting
        case .parked: return .retrying
        case .ready: return .waiting
        case .free: return .moving
        }
    }

    private func blockingBatch(_ state: PartitionState) -> InspectedRecord? {
        guard let record = state.queue.firstUnfinished else { return nil }
        var recordState = RecordState.waiting
        if state.queue.isRunning { recordState = .running }
        if state.queue.parkedUntil != nil { recordState = .retrying }
        return InspectedRecord(
            partition: state.partition, position: record.position,
            key: record.key.map { Array($0.prefix(HotKeys.nameBytes)) }, attempts: state.queue.attempts,
            since: .zero, state: recordState)
    }

    private func longestLanes(_ count: Int) -> [EngineInspection.LaneFigures] {
        lanes.longest(count).map { number in
            let lane = lanes[number]
            let first = lane.entries.first
            return EngineInspection.LaneFigures(
                partition: states[lanes.entries[first].slot].partition,
                key: lanes.entries[first].record.key.map { Array($0.prefix(HotKeys.nameBytes)) } ?? [],
                records: lane.entries.count, isHot: lane.pool == .hot, state: recordState(first))
        }
    }
}
