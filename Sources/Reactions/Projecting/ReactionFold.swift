/// Folds a batch of events of one partition into the rows and counts that they leave behind. No I/O: the store collects
/// the keys, reads the old rows, folds, and writes the result in one transaction.
///
/// The rule of which event wins (G4): between two from the log, the log's order; as soon as one came from beside it, the
/// greater version. A log record that replaces a row keeps the greater of the two versions, so that the outcome does not
/// depend on the order of arrival.
public struct ReactionFold: Sendable {
    /// What the fold needs of an event.
    public struct Input: Sendable {
        var slot: Int
        var reaction: Reaction
        var type: UInt8
        var isBesideLog: Bool
        var version: UInt64
        var sequence: UInt64
    }

    /// A row that the batch changes.
    public struct Change: Sendable {
        /// Which row.
        public var key: RowKey
        /// The row before the batch.
        public var old: ReactionRow?
        /// The row after it.
        public var new: ReactionRow
    }

    /// How the counts of a target change.
    public struct Delta: Hashable, Sendable {
        /// Change of likes.
        public var likes: Int64 = 0
        /// Change of dislikes.
        public var dislikes: Int64 = 0
        /// The highest sequence that touched the target.
        public var sequence: UInt64 = 0

        mutating func move(from old: Reaction, to new: Reaction) {
            switch old {
            case .none: break
            case .like: likes -= 1
            case .dislike: dislikes -= 1
            }
            switch new {
            case .none: break
            case .like: likes += 1
            case .dislike: dislikes += 1
            }
        }
    }

    /// The distinct rows that the batch touches, in the order of first touch.
    public private(set) var keys: [RowKey] = []
    private var slots: [RowKey: Int] = [:]
    private var inputs: [Input] = []

    /// Makes a fold for about so many events.
    public init(capacity: Int) {
        keys.reserveCapacity(capacity)
        slots.reserveCapacity(capacity)
        inputs.reserveCapacity(capacity)
    }

    /// Adds an event, in the order of the log.
    public mutating func add(
        _ key: RowKey, reaction: Reaction, type: UInt8, isBesideLog: Bool, version: UInt64, sequence: UInt64
    ) {
        let slot: Int
        if let known = slots[key] {
            slot = known
        } else {
            slot = keys.count
            slots[key] = slot
            keys.append(key)
        }
        inputs.append(
            Input(
                slot: slot, reaction: reaction, type: type, isBesideLog: isBesideLog, version: version,
                sequence: sequence))
    }

    /// Folds the events over the old rows.
    ///
    /// - Parameters:
    ///   - old: the rows of ``keys``, in their order.
    ///   - previous: called for each event, in the order they were added, with the state just before it.
    /// - Returns: the changed rows and, by target, how the counts change.
    public func fold(
        old: [ReactionRow?], previous: (_ event: Int, _ before: Reaction) -> Void
    ) -> (changes: [Change], deltas: [UInt64: Delta]) {
        precondition(old.count == keys.count, "one old row for each key")
        var rows = old
        var touched = [Bool](repeating: false, count: keys.count)
        for (index, input) in inputs.enumerated() {
            let row = rows[input.slot]
            previous(index, row?.reaction ?? .none)
            guard let next = Self.apply(input, to: row) else { continue }
            rows[input.slot] = next
            touched[input.slot] = true
        }
        var changes: [Change] = []
        changes.reserveCapacity(keys.count)
        var deltas: [UInt64: Delta] = [:]
        for slot in keys.indices where touched[slot] {
            guard let new = rows[slot] else { continue }
            changes.append(Change(key: keys[slot], old: old[slot], new: new))
            let before = old[slot]?.reaction ?? .none
            guard before != new.reaction else { continue }
            var delta = deltas[keys[slot].target] ?? Delta()
            delta.move(from: before, to: new.reaction)
            delta.sequence = max(delta.sequence, new.sequence)
            deltas[keys[slot].target] = delta
        }
        return (changes, deltas)
    }

    /// The row after an event, or `nil` if the event loses.
    static func apply(_ input: Input, to row: ReactionRow?) -> ReactionRow? {
        guard let row else {
            return ReactionRow(
                reaction: input.reaction, type: input.type, isBesideLog: input.isBesideLog, version: input.version,
                sequence: input.sequence)
        }
        if !input.isBesideLog, !row.isBesideLog {
            return ReactionRow(
                reaction: input.reaction, type: input.type, isBesideLog: false,
                version: max(row.version, input.version), sequence: input.sequence)
        }
        guard input.version > row.version else { return nil }
        return ReactionRow(
            reaction: input.reaction, type: input.type, isBesideLog: input.isBesideLog, version: input.version,
            sequence: max(row.sequence, input.sequence))
    }
}
