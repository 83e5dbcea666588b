import SpillwayCore

/// The concurrency limit of ``AdaptiveConcurrency``: after the gradient limiter of Netflix's concurrency-limits
/// ("Performance Under Load", Netflix Technology Blog, 2018), second form.
///
/// A slow average of handling times stands for the time without queueing below. The limit is multiplied by the ratio of
/// that, with the tolerance, to the time just seen, within a half and one, and grows by the square root of itself, the
/// room for a queue. A failure lowers it by a tenth. It moves only while at least half of it is in use.
struct GradientLimit: Sendable {
    private let policy: AdaptiveConcurrency
    private var most: Int
    private var estimate: Double
    private var average = 0.0
    private var samples = 0

    init(_ policy: AdaptiveConcurrency, most: Int) {
        self.policy = policy
        self.most = most
        estimate = Double(min(max(policy.initialLimit, policy.minLimit), most))
    }

    /// How many may be handled at a time.
    var limit: Int { max(policy.minLimit, min(most, Int(estimate))) }

    /// Goes on with another upper bound.
    mutating func change(most: Int) {
        self.most = most
        estimate = min(estimate, Double(most))
    }

    /// Takes the end of a handling.
    mutating func observe(_ time: Duration, failed: Bool, inUse: Int) {
        if failed {
            estimate = max(Double(policy.minLimit), estimate * 0.9)
            return
        }
        let seconds = max(1e-9, Double(time.wholeNanoseconds) / 1e9)
        samples += 1
        // The average of all while there are few, then of about the last six hundred.
        let weight = max(1 / Double(samples), 2.0 / 601)
        average += (seconds - average) * weight
        // What was a burst of load must not stay in the average for long once it is over.
        if average > seconds * 2 { average *= 0.95 }
        guard inUse * 2 >= limit else { return }
        let gradient = max(0.5, min(1, policy.tolerance * average / seconds))
        let wanted = estimate * gradient + estimate.squareRoot()
        let smoothed = estimate * 0.8 + wanted * 0.2
        estimate = max(Double(policy.minLimit), min(Double(most), smoothed))
    }
}
