internal import Spillway

/// Which sequences of a topic belong to which epoch of the log. A new epoch begins at a restore or a recovery only.
struct LogEpochs: Equatable, Sendable {
    struct Start: Equatable, Sendable {
        var epoch: UInt64
        var sequence: UInt64
    }

    /// Ascending in both words; never empty.
    private(set) var starts: [Start]

    init(first epoch: UInt64) { starts = [Start(epoch: epoch, sequence: 0)] }

    init?(_ starts: [Start]) {
        guard !starts.isEmpty else { return nil }
        self.starts = starts
    }

    var current: UInt64 { starts[starts.count - 1].epoch }

    /// Begins an epoch at a sequence; nothing if it is the present one.
    mutating func begin(_ epoch: UInt64, at sequence: UInt64) {
        guard epoch > current else { return }
        starts.append(Start(epoch: epoch, sequence: sequence))
    }

    /// The epoch of a sequence.
    func epoch(of sequence: UInt64) -> UInt64 {
        starts.last { $0.sequence <= sequence }?.epoch ?? starts[0].epoch
    }

    func position(of sequence: UInt64) -> Position { Position(high: epoch(of: sequence), low: sequence) }

    /// The least sequence whose position is at or after this one. What the position names may never have been in this
    /// log: it was lost, and its sequence may have been given again in a later epoch.
    func sequence(atOrAfter position: Position) -> UInt64 {
        guard let index = starts.lastIndex(where: { $0.epoch <= position.high }) else { return starts[0].sequence }
        let next = index + 1 < starts.count ? starts[index + 1].sequence : .max
        if starts[index].epoch < position.high { return next }
        return min(max(position.low, starts[index].sequence), next)
    }
}
