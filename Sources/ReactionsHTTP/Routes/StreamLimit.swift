internal import SpillwayHTTP
internal import Synchronization

/// How many event streams may be open at once.
final class StreamLimit: Sendable {
    /// A place among the open streams, given back when it is let go.
    final class Place: Sendable {
        private let limit: StreamLimit

        fileprivate init(_ limit: StreamLimit) { self.limit = limit }

        deinit { limit.open.subtract(1, ordering: .relaxed) }
    }

    private let maximum: Int
    private let open = Atomic<Int>(0)

    init(maximum: Int) { self.maximum = maximum }

    /// Takes a place, or refuses with 503.
    func enter() throws(Problem) -> Place {
        // Counted first: the place gives back what was counted, also when it is refused here.
        let count = open.add(1, ordering: .relaxed).newValue
        let place = Place(self)
        guard count <= maximum else {
            throw .retry(.serviceUnavailable, after: .seconds(5), detail: "too many streams are open")
        }
        return place
    }
}
