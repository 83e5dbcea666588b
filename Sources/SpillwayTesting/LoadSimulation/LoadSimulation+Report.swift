extension LoadSimulation {
    /// How long records took from their arrival in the log to their final state.
    public struct Latencies: Sendable {
        /// Ascending.
        public let sorted: [Duration]

        init(_ latencies: [Duration]) { sorted = latencies.sorted() }

        /// The latency that a share of the records, 0 to 1, did not pass; zero if there are none.
        public func percentile(_ share: Double) -> Duration {
            guard !sorted.isEmpty else { return .zero }
            let rank = Int((share * Double(sorted.count)).rounded(.up))
            return sorted[min(max(rank, 1), sorted.count) - 1]
        }
    }

    /// What came of some traffic.
    public struct TrafficReport: Sendable {
        /// Records that arrived.
        public internal(set) var arrived = 0
        /// Records that were handled.
        public internal(set) var handled = 0
        /// Records that were given up.
        public internal(set) var givenUp = 0
        /// Records that are in the side queue.
        public internal(set) var stored = 0
        /// Handlings that failed.
        public internal(set) var failures = 0
        /// How many workers its handling kept busy, in the mean while records arrived.
        public internal(set) var busyWorkers = 0.0
        /// How long records took that were handled.
        public internal(set) var latencies = Latencies([])
        /// By how many records the commit of its partition has passed the first record that is not handled; zero if there
        /// is none.
        public internal(set) var committedBeyond = 0

        /// Records that are neither handled nor given up nor in the side queue: those wait, or are being handled.
        public var waiting: Int { arrived - handled - givenUp - stored }
    }

    /// What came of a run.
    public struct Report: Sendable {
        /// By the traffic's name.
        public internal(set) var traffic: [String: TrafficReport] = [:]
        /// Until when it went on, from the first arrival.
        public internal(set) var duration = Duration.zero
        /// The most records of a partition between its lowest unfinished one and the last that the consumer took in.
        public internal(set) var widestWindow = 0
        /// The most records that were in the consumer.
        public internal(set) var mostInFlight = 0
        /// Records that were moved to the side queue, repeats included.
        public internal(set) var moved = 0
        /// Keys that became hot, repeats included.
        public internal(set) var heated = 0
        /// Commits that were made.
        public internal(set) var commits = 0

        /// What came of the traffic with that name.
        public subscript(name: String) -> TrafficReport { traffic[name] ?? TrafficReport() }
    }
}
