/// Ranges of keys that are known to hold no row, so that a walk steps over what removed rows leave behind.
///
/// RocksDB keeps a mark for each removed row until a compaction drops it, and an iterator reads them all to find the
/// next row: a queue that is filled and emptied for hours would read a million marks for each look at its head. So a walk
/// reports the gaps in which it met many, and the next one begins behind them. A row that is put into a gap splits it.
///
/// A walk sees the rows as they were when it began, so what it reports holds only where no row was put meanwhile: each
/// walk is registered, and puts into its bounds are remembered for it. Rows are told of before they are written; a walk that
/// begins until they are may see them or not, so they count as put meanwhile, too.
struct EmptyRanges: Sendable {
    /// No row has a key from `lower` up to and without `upper`.
    struct Gap: Equatable, Sendable {
        var lower: [UInt8]
        var upper: [UInt8]
        /// How many marks were met in it.
        var marks: Int
    }

    private struct Walk: Sendable {
        var lower: [UInt8]
        var upper: [UInt8]
        /// Keys put since the walk began; `nil` if there were too many.
        var puts: [[UInt8]]? = []
    }

    /// Ascending, apart from each other.
    private(set) var gaps: [Gap] = []
    private var walks: [Int: Walk] = [:]
    private var lastWalk = 0
    /// Rows that are being written.
    private var underWay = KeyBatch()
    private let maxGaps: Int
    private let maxPuts: Int
    /// With more gaps than these in its bounds a walk forgets them and looks again: each costs a seek.
    private let maxGapsInWalk: Int

    init(maxGaps: Int = 4_096, maxPuts: Int = 1_024, maxGapsInWalk: Int = 64) {
        self.maxGaps = maxGaps
        self.maxPuts = maxPuts
        self.maxGapsInWalk = maxGapsInWalk
    }

    /// Begins a walk, in the same step in which its view of the rows is made.
    ///
    /// - Returns: the walk, and the gaps inside its bounds.
    mutating func begin(lower: [UInt8], upper: [UInt8]) -> (walk: Int, gaps: [Gap]) {
        lastWalk += 1
        walks[lastWalk] = Walk(lower: lower, upper: upper)
        let (rows, walk) = (underWay, lastWalk)
        rows.forEach { note(Array($0), for: walk) }
        let found = indexes(from: lower, to: upper)
        if found.count > maxGapsInWalk {
            gaps.removeSubrange(found)
            return (lastWalk, [])
        }
        let inside = gaps[found].map { gap in
            var gap = gap
            if gap.lower.precedes(lower) { gap.lower = lower }
            if upper.precedes(gap.upper) { gap.upper = upper }
            return gap
        }
        return (lastWalk, inside)
    }

    /// Ends a walk, with the gaps that it found.
    mutating func end(_ walk: Int, found: [Gap]) {
        guard let ended = walks.removeValue(forKey: walk), let puts = ended.puts else { return }
        for gap in found where gap.lower.precedes(gap.upper) {
            // A put into it leaves the parts around it.
            add(gap, without: puts.filter { !$0.precedes(gap.lower) && $0.precedes(gap.upper) })
        }
        guard gaps.count > maxGaps else { return }
        let marks = gaps.map(\.marks).sorted()
        let least = marks[gaps.count / 4]
        gaps.removeAll { $0.marks <= least }
    }

    /// Tells of rows that will be written next.
    mutating func beginPuts(_ rows: KeyBatch) {
        underWay = rows
        // Nearly always there are no walks, or no gaps.
        guard !walks.isEmpty || !gaps.isEmpty else { return }
        rows.forEach { put(Array($0)) }
    }

    /// The rows are written, or will not be.
    mutating func endPuts() { underWay = KeyBatch() }

    /// Tells of a row that is put.
    mutating func put(_ key: [UInt8]) {
        for id in walks.keys { note(key, for: id) }
        guard !gaps.isEmpty else { return }
        split(at: key)
    }

    private mutating func note(_ key: [UInt8], for id: Int) {
        guard let walk = walks[id], let puts = walk.puts, !key.precedes(walk.lower), key.precedes(walk.upper)
        else { return }
        if puts.count < maxPuts { walks[id]?.puts?.append(key) } else { walks[id]?.puts = nil }
    }

    private mutating func split(at key: [UInt8]) {
        let index = firstIndex(endingBehind: key)
        guard index < gaps.count, !key.precedes(gaps[index].lower) else { return }
        let gap = gaps[index]
        // How the marks are spread is not known.
        let before = Gap(lower: gap.lower, upper: key, marks: gap.marks / 2)
        let behind = Gap(lower: key + [0], upper: gap.upper, marks: gap.marks - gap.marks / 2)
        gaps.replaceSubrange(index...index, with: [before, behind].filter { $0.lower.precedes($0.upper) })
    }

    /// Adds a gap, joined with those that it touches, and takes the rows that were put meanwhile out of it.
    private mutating func add(_ gap: Gap, without puts: [[UInt8]]) {
        var joined = gap
        // Those that touch it count, too.
        var begin = firstIndex(endingBehind: gap.lower)
        if begin > 0, gaps[begin - 1].upper == gap.lower { begin -= 1 }
        var end = begin
        while end < gaps.count, !joined.upper.precedes(gaps[end].lower) {
            let other = gaps[end]
            if other.lower.precedes(joined.lower) { joined.lower = other.lower }
            if joined.upper.precedes(other.upper) { joined.upper = other.upper }
            joined.marks += other.marks
            end += 1
        }
        gaps.replaceSubrange(begin..<end, with: CollectionOfOne(joined))
        for key in puts { split(at: key) }
    }

    /// The gaps that have keys in common with the bounds.
    private func indexes(from lower: [UInt8], to upper: [UInt8]) -> Range<Int> {
        let begin = firstIndex(endingBehind: lower)
        var end = begin
        while end < gaps.count, gaps[end].lower.precedes(upper) { end += 1 }
        return begin..<end
    }

    /// The first gap whose end lies behind a key.
    private func firstIndex(endingBehind key: [UInt8]) -> Int {
        var low = 0
        var high = gaps.count
        while low < high {
            let middle = (low + high) / 2
            if key.precedes(gaps[middle].upper) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension [UInt8] {
    /// Whether it comes before another in the order of keys.
    func precedes(_ other: [UInt8]) -> Bool { lexicographicallyPrecedes(other) }
}
