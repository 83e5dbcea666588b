import SpillwayCore

/// Lanes that wait for their next attempt, the earliest first: a binary heap.
struct ParkedLanes: Sendable {
    struct Entry: Sendable {
        var due: MonotonicInstant
        var lane: Int
    }

    private var heap: [Entry] = []

    var count: Int { heap.count }
    var nextDue: MonotonicInstant? { heap.first?.due }

    mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The lane that has been due longest.
    mutating func popDue(_ now: MonotonicInstant) -> Int? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink(0)
        }
        return first.lane
    }

    /// Keeps only the lanes for which the predicate holds.
    mutating func keep(where holds: (Int) -> Bool) {
        let kept = heap.filter { holds($0.lane) }
        heap = []
        for entry in kept { insert(entry) }
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].due < heap[smallest].due { smallest = child }
            }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
