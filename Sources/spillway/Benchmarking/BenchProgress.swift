/// What happened in the second that ended.
struct BenchProgress: Sendable {
    /// Seconds since the begin.
    var second = 0
    /// Good answers of each kind.
    var good = [0, 0]
    /// Other answers, and connections that broke under a request.
    var errors = 0
    /// Connections that could not be made.
    var broken = 0
    /// The longest latency, in seconds.
    var longest = 0.0
    /// How long the oldest request that is due waits to be sent, in seconds.
    var lateSeconds = 0.0

    /// Counts an answer.
    mutating func count(_ kind: BenchKind, good isGood: Bool, seconds: Double) {
        if isGood { good[kind.rawValue] += 1 } else { errors += 1 }
        longest = max(longest, seconds)
    }

    /// Begins the next second.
    mutating func beginSecond() { self = BenchProgress(second: second) }

    /// One line for people.
    var line: String {
        var text = "\(second)s"
        for kind in BenchKind.allCases where good[kind.rawValue] > 0 {
            text += "  \(kind.name) \(good[kind.rawValue])/s"
        }
        text += "  slowest \(BenchTable.milliseconds(longest * 1e6)) ms  errors \(errors)"
        if broken > 0 { text += "  no connection \(broken)" }
        if lateSeconds > 0.001 { text += "  behind by \(BenchTable.milliseconds(lateSeconds * 1e6)) ms" }
        return text
    }
}
