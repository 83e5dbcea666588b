/// All that one user reacted to, as one cached value: a sorted list of 8-byte words, or a mark that there are too many.
///
/// Changes of different targets commute, and those of one target come from one partition in order; so a change may be
/// put into a value in place, unless the value's snapshot already held it.
public struct CallerStates: Sendable {
    /// The store's sequence of the snapshot it was read in.
    public var storeSequence: UInt64
    /// True if the user has more reactions than the limit: states then come by point reads.
    public private(set) var isPartial: Bool
    /// `target number << 2 | reaction`, rising; no entry is none.
    private var words: [UInt64]

    /// Makes a value of (target, reaction) in any order.
    public init(storeSequence: UInt64, states: [(target: UInt64, reaction: Reaction)], isPartial: Bool = false) {
        self.storeSequence = storeSequence
        self.isPartial = isPartial
        words = isPartial ? [] : states.map { $0.target << 2 | UInt64($0.reaction.rawValue) }.sorted()
    }

    /// How many targets it holds.
    public var count: Int { words.count }

    /// What it takes in memory, in bytes.
    public var byteCount: Int { 48 + words.capacity * 8 }

    /// The state on a target.
    public func reaction(to target: UInt64) -> Reaction {
        let index = lowerBound(target)
        guard index < words.count, words[index] >> 2 == target else { return .none }
        return Reaction(rawValue: UInt8(words[index] & 3)) ?? .none
    }

    /// Puts a change in.
    ///
    /// - Returns: false if the value outgrew the limit and must be dropped.
    public mutating func set(_ reaction: Reaction, to target: UInt64, limit: Int) -> Bool {
        if isPartial { return true }
        let index = lowerBound(target)
        let isThere = index < words.count && words[index] >> 2 == target
        switch (reaction, isThere) {
        case (.none, true): words.remove(at: index)
        case (.none, false): break
        case (.like, true), (.dislike, true): words[index] = target << 2 | UInt64(reaction.rawValue)
        case (.like, false), (.dislike, false): words.insert(target << 2 | UInt64(reaction.rawValue), at: index)
        }
        return words.count <= limit
    }

    private func lowerBound(_ target: UInt64) -> Int {
        var low = 0
        var high = words.count
        while low < high {
            let middle = (low + high) / 2
            if words[middle] >> 2 < target { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
