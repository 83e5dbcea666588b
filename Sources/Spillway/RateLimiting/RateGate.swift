import SpillwayCore

/// The token buckets of ``RateLimits``: records may go while there is something in each, and what they count for is
/// taken afterwards, so that one record larger than a burst still passes, and is paid for by waiting.
struct RateGate: Sendable {
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
        guard let records else { return most }
        return min(most, max(0, Int(records.available(now))))
    }

    /// Takes what has gone.
    mutating func take(records count: Int, bytes size: Int, now: MonotonicInstant) {
        _ = records?.reserve(count, now: now)
        _ = bytes?.reserve(size, now: now)
    }

    /// When something may go again; `nil` if it may now.
    func nextOpening(now: MonotonicInstant) -> MonotonicInstant? {
        let waits = [records, bytes].compactMap { $0?.delay(until: 1, now: now) }.filter { $0 > .zero }
        return waits.max().map { now + $0 }
    }

    private static func bucket(_ rate: Double?, _ seconds: Double, _ now: MonotonicInstant) -> TokenBucket? {
        rate.map { TokenBucket(rate: $0, burst: max(1, Int($0 * seconds)), now: now) }
    }

    private static func changed(
        _ old: TokenBucket?, _ rate: Double?, _ seconds: Double, _ now: MonotonicInstant
    ) -> TokenBucket? {
        guard var bucket = old, let rate else { return bucket(rate, seconds, now) }
        bucket.change(rate: rate, burst: max(1, Int(rate * seconds)), now: now)
        return bucket
    }
}
