import SpillwayCore

/// Latencies and errors of one kind of request. Times are kept in microseconds.
struct BenchRecorder {
    /// The longest latency that is told apart: ten minutes.
    private static let longestUs: Int64 = 600_000_000

    /// Answers, and requests that had none at the end with the time that they waited.
    private(set) var latencies: HDRHistogram
    /// Answers by status; 0 is a connection that broke or an answer that was none.
    private(set) var statuses: [Int: Int] = [:]
    /// Requests without an answer at the end.
    private(set) var unanswered = 0

    init() {
        latencies = HDRHistogram(highestTrackableValue: Self.longestUs, significantDigits: 3)
    }

    /// Answers with status 200.
    var good: Int { statuses[200] ?? 0 }

    /// Everything else.
    var errors: Int { statuses.reduce(unanswered) { $1.key == 200 ? $0 : $0 + $1.value } }

    /// An answer came, or the connection broke (status 0), this many seconds after the request was due.
    mutating func record(status: Int, seconds: Double) {
        statuses[status, default: 0] += 1
        latencies.record(Self.microseconds(seconds))
    }

    /// No answer came up to the end.
    mutating func recordUnanswered(seconds: Double) {
        unanswered += 1
        latencies.record(Self.microseconds(seconds))
    }

    private static func microseconds(_ seconds: Double) -> Int64 {
        min(longestUs, max(1, Int64(seconds * 1e6)))
    }
}
