internal import Spillway
internal import Synchronization

/// Puts the log's unapplied tail into the overlay, so that after a crash, too, the first answer holds every
/// acknowledged vote (G6). Takes the whole tail, whatever its size: the limit on pending votes is for new ones.
struct OverlayRebuild {
    let broker: any ReplayableBroker
    let topic: String
    let overlay: Overlay
    let clock: VersionClock

    /// - Parameter positions: for each partition, the lowest projection's applied offset.
    /// - Returns: how many votes it found.
    func run(from positions: [Position]) async throws -> Int {
        let counter = Counter()
        let starts = Dictionary(uniqueKeysWithValues: positions.enumerated().map { ($0, $1) })
        try await broker.replay(topic, from: starts) { batch in
            let decoder = ReactionEventDecoder()
            var greatest: UInt64 = 0
            for record in batch.records {
                guard let position = record.position, let value = record.value, let event = decoder.decode(value)
                else { continue }
                greatest = max(greatest, event.version)
                overlay.add(
                    PendingVote(
                        targetID: event.targetID, targetType: event.targetType, reaction: event.reaction,
                        version: event.version,
                        position: LogPosition(partition: batch.partition.partition, position: position)),
                    user: event.userID)
                counter.add()
            }
            clock.resume(after: greatest)
        }
        return counter.value
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }
}
