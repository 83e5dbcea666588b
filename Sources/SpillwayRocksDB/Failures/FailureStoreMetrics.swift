internal import Spillway
internal import SpillwayCore
internal import Synchronization

/// What a failure store shows: what is in it, and what its syncs take.
final class FailureStoreMetrics: Sendable {
    let sync: Timer
    private let registry: MetricsRegistry
    private let letterRecords: Meter
    private let letterBytes: Meter
    /// By the bytes of the group's name; `nil` if the registry takes no more of them.
    private let groups = Mutex<[[UInt8]: (records: Meter, bytes: Meter)?]>([:])

    init(_ registry: MetricsRegistry) throws {
        self.registry = registry
        sync = try registry.timer(
            "spillway_side_queue_sync_seconds", help: "One sync of what was moved to side queues and dead letters.")
        letterRecords = try registry.meter("spillway_dead_letters_records", help: "Dead letters of all groups.")
        letterBytes = try registry.meter("spillway_dead_letters_bytes", help: "Bytes of all dead letters.")
    }

    /// Shows what is there when the store is opened.
    func show(_ state: FailureTables.State) {
        for (group, counts) in state.groups { show(group, counts.side) }
        show(letters: state.letters)
    }

    /// Shows what a group of calls has changed.
    func update(_ change: FailureGroup.Change) {
        for (group, counts) in change.groups { show(group, counts.side) }
        show(letters: change.letters)
    }

    private func show(letters: FailureCount) {
        letterRecords.set(letters.records)
        letterBytes.set(letters.bytes)
    }

    private func show(_ group: [UInt8], _ count: FailureCount) {
        let meters = groups.withLock { groups in
            if let known = groups[group] { return known }
            let made = try? make(String(decoding: group, as: UTF8.self))
            groups[group] = .some(made)
            return made
        }
        meters?.records.set(count.records)
        meters?.bytes.set(count.bytes)
    }

    private func make(_ group: String) throws -> (records: Meter, bytes: Meter) {
        let labels = [("group", group)]
        return (
            try registry.meter(
                "spillway_side_queue_records", help: "Records in a group's side queue.", labels: labels),
            try registry.meter(
                "spillway_side_queue_bytes", help: "Bytes of the records in a group's side queue.", labels: labels)
        )
    }
}
