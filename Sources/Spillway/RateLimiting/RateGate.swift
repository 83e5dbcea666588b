import SpillwayCore

/// The token buckets of ``RateLimits``: records may go while there is something in each, and what they count for is
/// taken afterwards, so that one record larger than a burst still passes, and is paid for by waiting. Behind them is what
/// was leased of a rate that others share.
struct RateGate: Sendable {
    var leased: LeasedRate?
    private var records: TokenBucket?
    private var bytes: TokenBucket?

    init(_ limits: RateLimits, now: MonotonicInstant) {
        records = Self.bucket(limits.recordsPerSecond, limits.burstSeconds, now)
        bytes = Self.bucket(limits.bytesPerSecond, limits.burstSeconds, now)
    }

    var isOpen: Bool { records == nil && bytes == nil }

    /// Goes on with other limits; what was taken stays taken.
    mutating func change(_ limits: RateLimits, now: MonotonicInstant) {
        records = Self.changed(records, limits.recordsPerSecond, limits.burstSeconds, now)
        bytes = Self.changed(bytes, limits.bytesPerSecond, limits.burstSeconds, now)
    }

    /// How many records may go now, at most so many.
    func allowance(_ most: Int, now: MonotonicInstant) -> Int {
        if let bytes, bytes.available(now) < 1 { return 0 }
        let allowed = records.map { min(most, Int(max(0, $0.available(now)))) } ?? most
        return leased.map { min(allowed, $0.available(now: now)) } ?? allowed
    }

    /// The most records that may go at once.
    var burst: Int { records.map { Int($0.burst) } ?? .max }

    /// How long until so many records may go, as far as the limit in records says; `nil` if that says nothing.
    func delay(until count: Int, now: MonotonicInstant) -> Duration? {
        records.flatMap { $0.delay(until: count, now: now) }
    }

    /// Notes that so many more records could go than may.
    mutating func want(_ count: Int, now: MonotonicInstant) {
        if count > 0 { leased?.want(count, now: now) }
    }

    /// Takes what has gone.
    mutating func take(records count: Int, bytes size: Int, now: MonotonicInstant) {
        _ = records?.reserve(count, now: now)
        _ = bytes?.reserve(size, now: now)
        _ = leased?.take(upTo: count, now: now)
    }

    /// Gives back what has gone and come back. Leased credits are gone: somebody else may have them by now.
    mutating func giveBack(records count: Int, bytes size: Int) {
        records?.giveBack(count)
        bytes?.giveBack(size)
    }

    /// When something may go again, or more than now; `nil` if all may now.
    func nextOpening(now: MonotonicInstant) -> MonotonicInstant? {
        let waits = [records, bytes].compactMap { $0?.delay(until: 1, now: now) }.filter { $0 > .zero }
        let opening = waits.max().map { now + $0 }
        guard let leased, let change = leased.nextChange(now: now) ?? nextTry(of: leased, now: now) else {
            return opening
        }
        return opening.map { min($0, change) } ?? change
    }

    /// Whoever waits for credits for longer than the member remembers wants them still.
    private func nextTry(of leased: LeasedRate, now: MonotonicInstant) -> MonotonicInstant? {
        leased.available(now: now) < 1 && leased.notBefore > now ? leased.notBefore : nil
    }

    private static func bucket(_ rate: Double?, _ seconds: Double, _ now: MonotonicInstant) -> TokenBucket? {
        rate.map { TokenBucket(rate: $0, burst: TokenBucket.burst(rate: $0, seconds: seconds), now: now) }
    }

    private static func changed(
        _ old: TokenBucket?, _ rate: Double?, _ seconds: Double, _ now: MonotonicInstant
    ) -> TokenBucket? {
        guard var bucket = old, let rate else { return bucket(rate, seconds, now) }
        bucket.change(rate: rate, burst: TokenBucket.burst(rate: rate, seconds: seconds), now: now)
        return bucket
    }
}
