import SpillwayCore

/// What happens when, in virtual time: a binary heap by time, then by the order in which it was put in.
struct EventHeap<Event> {
    private struct Entry {
        var at: MonotonicInstant
        var number: Int
        var event: Event

        func precedes(_ other: Entry) -> Bool { at == other.at ? number < other.number : at < other.at }
    }

    private var heap: [Entry] = []
    private var count = 0

    /// When the first event happens.
    var first: MonotonicInstant? { heap.first?.at }

    mutating func push(_ at: MonotonicInstant, _ event: Event) {
        count += 1
        heap.append(Entry(at: at, number: count, event: event))
        var child = heap.count - 1
        while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The first event, if it has happened by a time.
    mutating func pop(due now: MonotonicInstant) -> Event? {
        guard let first = heap.first, first.at <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return first.event
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if heap[child].precedes(heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
