package import SpillwayCore

extension ConsumerEngine {
    /// When the engine wants to be asked again although nothing has happened; later than now.
    package func nextDeadline(now: MonotonicInstant) -> MonotonicInstant? {
        var deadline: MonotonicInstant?
        func include(_ instant: MonotonicInstant?) {
            guard let instant, instant > now else { return }
            deadline = deadline.map { min($0, instant) } ?? instant
        }
        if settings.isPartitionBatch {
            include(nextPartitionRetry)
        } else {
            include(lanes.nextRetry)
            include(lanes.nextClose(settings.limits))
        }
        if commitInFlight == nil { include(nextCommitAt) }
        if hasReadyWork { include(gate.nextOpening(now: now)) }
        include(nextRateEnd(now: now))
        include(hotKeys?.nextSlide)
        include(nextSideEvent(now: now))
        if !running.isEmpty { include(shutdownDeadline) }
        for epoch in draining {
            guard case .draining(let end) = states[epoch: epoch]?.phase else { continue }
            include(end)
            include(end + settings.commitGrace)
        }
        for epoch in seeking {
            if case .seeking(_, let end) = states[epoch: epoch]?.phase { include(end) }
        }
        return deadline
    }

    // MARK: Figures

    /// How every owned partition stands.
    package var progress: [PartitionProgress] {
        states.all.map {
            PartitionProgress(
                partition: $0.partition, next: commitPosition(of: $0),
                oldestTimestampMs: settings.isPartitionBatch
                    ? $0.queue.oldestTimestampMs : $0.window.oldestTimestampMs,
                held: $0.held.records)
        }
    }

    /// Keys (or partitions, or records without order) that have records here.
    package var laneCount: Int { settings.isPartitionBatch ? states.count : lanes.laneCount }
    /// Lanes that wait for their next attempt.
    package var parkedLaneCount: Int {
        settings.isPartitionBatch ? states.all.count { $0.queue.parkedUntil != nil } : lanes.parkedCount
    }
    /// Records with permits.
    package var inFlightRecords: Int { permits.inFlight.records + sideHeld.records }
    /// Records that came back from the side queue, and their bytes.
    package var sideHeldRecords: Int { sideHeld.records }
    package var sideHeldBytes: Int { sideHeld.bytes }
    /// Bytes with permits.
    package var inFlightBytes: Int { permits.inFlight.bytes + sideHeld.bytes }
    /// Keys that are hot.
    package var hotKeyCount: Int { hotKeys?.keys.count ?? 0 }
    /// Keys that wait in the side queue.
    package var heldKeyCount: Int { heldKeys.count }
    /// Records that the broker may still deliver.
    package var demandedRecords: Int { permits.demanded.records }
    /// True while intake waits for records to finish.
    package var isIntakePaused: Bool { permits.isPaused }
}
