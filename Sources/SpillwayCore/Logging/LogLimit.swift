/// Lets one line through per interval and counts the others, so that something that is down does not fill the log.
package struct LogLimit: Sendable {
    package let interval: Duration
    private var next = MonotonicInstant.zero
    private var suppressed = 0

    package init(interval: Duration = .seconds(10)) { self.interval = interval }

    /// How many lines were held back since the last one that may be written; `nil` if this one is held back.
    package mutating func admit(_ now: MonotonicInstant) -> Int? {
        guard now >= next else {
            suppressed += 1
            return nil
        }
        next = now + interval
        defer { suppressed = 0 }
        return suppressed
    }
}
