public import SpillwayCore

/// A member's side of a shared rate: the credits that it has leased, when to lease more, and what to do without the
/// source. It does no I/O and holds no clock.
///
/// ```swift
/// if rate.tryTake(1, now: now) { start(record) }
/// if let count = rate.wanted(now: now) {              // one request at a time
///     do { rate.granted(try await source.lease(count, member: me), now: now) } catch { rate.failed(now: now) }
/// }
/// wake(at: rate.nextChange(now: now))
/// ```
///
/// It asks for twice what it used in the last half life of a lease, ahead of running out: a demand that grows doubles
/// its lease each time, one that ends asks for nothing a quarter of a lease's life later. When a request
/// fails it uses up what it has leased and goes on at its last known share, from an empty bucket, while it tries the
/// source again with backoff.
public struct LeasedRate: Sendable {
    private struct Lot: Sendable {
        var count: Int
        var expires: MonotonicInstant
    }

    /// How many credits it asks for at most at a time; at least 1.
    public let maxLease: Int
    private let backoff: Backoff
    private var lots: [Lot] = []
    private var usage = RecentUsage(span: .milliseconds(500))
    /// What could not be taken: the most of it and the last, and when that was.
    private var shortfall = (most: 0, last: 0, at: MonotonicInstant.zero)
    private var askedAt: MonotonicInstant?
    private var askedFor = 0
    /// The source is not asked again before.
    private(set) var notBefore = MonotonicInstant.zero
    private var failures = 0
    private var fallback: TokenBucket?
    /// The share of the rate that the source named last, in records a second.
    public private(set) var share: Double

    /// Makes a member without credits.
    ///
    /// - Parameters:
    ///   - initialShare: records a second while the source has not answered yet and can't be reached; 0, the default,
    ///     lets nothing go on then.
    ///   - maxLease: how many credits it asks for at most at a time; at least 1, default 10,000.
    ///   - backoff: the waits between requests that fail; default 100 ms to 5 s.
    public init(
        initialShare: Double = 0, maxLease: Int = 10_000,
        backoff: Backoff = Backoff(base: .milliseconds(100), maximum: .seconds(5))
    ) {
        precondition(initialShare >= 0 && initialShare.isFinite, "a share of 0 or more")
        precondition(maxLease >= 1, "a lease of at least one credit")
        self.share = initialShare
        self.maxLease = maxLease
        self.backoff = backoff
    }

    /// True while the source can't be reached and the last known share counts.
    public var isOnItsOwn: Bool { failures > 0 }

    /// Credits that can be taken now.
    public func available(now: MonotonicInstant) -> Int {
        leased(now) + (fallback.map { Int(max(0, $0.available(now))) } ?? 0)
    }

    /// Takes so many credits, or none if there are fewer. More than ``maxLease`` are never there, and without the source
    /// no more than a tenth of a second's worth of the share.
    public mutating func tryTake(_ count: Int, now: MonotonicInstant) -> Bool {
        dropExpired(now)
        var missing = count - min(count, leased(now))
        if missing > 0 {
            guard fallback?.tryTake(missing, now: now) == true else {
                noteShortfall(count, now)
                return false
            }
        }
        missing = count - missing
        while missing > 0 {
            let used = min(missing, lots[0].count)
            lots[0].count -= used
            missing -= used
            if lots[0].count == 0 { lots.removeFirst() }
        }
        usage.add(count, now: now)
        shortfall.most = 0
        return true
    }

    /// Takes as many credits as there are, up to a count.
    public mutating func take(upTo count: Int, now: MonotonicInstant) -> Int {
        let taken = min(count, available(now: now))
        if taken > 0 { _ = tryTake(taken, now: now) }
        if taken < count { noteShortfall(count - taken, now) }
        return taken
    }

    /// Notes that so many credits more could be used than are there.
    public mutating func want(_ count: Int, now: MonotonicInstant) { noteShortfall(count, now) }

    /// How many credits to ask the source for now; `nil` if none. Whoever gets a number asks for them, and says what came of
    /// it by ``granted(_:now:)`` or ``failed(now:)``; until then the answer is `nil`.
    public mutating func wanted(now: MonotonicInstant) -> Int? {
        dropExpired(now)
        guard askedAt == nil, now >= notBefore, let count = request(now) else { return nil }
        askedAt = now
        askedFor = count
        return count
    }

    /// Takes in what the source granted; credits count from when they were asked for.
    public mutating func granted(_ grant: RateLeaseGrant, now: MonotonicInstant) {
        guard let asked = askedAt else { return }
        askedAt = nil
        failures = 0
        fallback = nil
        share = min(max(0, grant.share), RateLimits.range.upperBound)
        usage.span = max(.milliseconds(1), grant.validFor / 2)
        if grant.count > 0 { lots.append(Lot(count: grant.count, expires: asked + grant.validFor)) }
        dropExpired(now)
        // A source that has less and says not when is not asked in a tight loop.
        let wait = grant.retryAfter ?? (grant.count < askedFor ? usage.span / 4 : .zero)
        notBefore = now + wait
    }

    /// Takes in that the source could not be asked.
    public mutating func failed(now: MonotonicInstant, using random: inout some RandomNumberGenerator) {
        guard askedAt != nil else { return }
        askedAt = nil
        failures += 1
        notBefore = now + backoff.delay(afterAttempts: failures, using: &random)
        if fallback == nil, share > 0 {
            // A tenth of a second's worth at once, and none to begin with: what the source would have given is used up.
            var bucket = TokenBucket(rate: share, burst: TokenBucket.burst(rate: share, seconds: 0.1), now: now)
            _ = bucket.tryTake(Int(bucket.burst), now: now)
            fallback = bucket
        }
    }

    /// Takes in that the source could not be asked; the backoff is drawn from the system's random numbers.
    public mutating func failed(now: MonotonicInstant) {
        var random = SystemRandomNumberGenerator()
        failed(now: now, using: &random)
    }

    /// When ``tryTake(_:now:)`` of the count that it refused last, or ``wanted(now:)``, may answer otherwise than now if
    /// nothing else happens before; `nil` if never. Only a demand makes for a change: without one there is nothing to
    /// wake up for.
    public func nextChange(now: MonotonicInstant) -> MonotonicInstant? {
        var next = MonotonicInstant.distantFuture
        if askedAt == nil, request(now) != nil { next = max(now, notBefore) }
        if isShort(now), let bucket = fallback {
            let missing = max(1, shortfall.last - leased(now))
            if let delay = bucket.delay(until: min(missing, Int(bucket.burst)), now: now), delay > .zero {
                next = min(next, now + delay)
            }
        }
        // What expires may be missed.
        if next == .distantFuture, askedAt == nil, used(now) > 0 || isShort(now) {
            for lot in lots where lot.expires > now { next = min(next, lot.expires) }
        }
        return next == .distantFuture ? nil : next
    }

    private func request(_ now: MonotonicInstant) -> Int? {
        let short = isShort(now) ? shortfall.most : 0
        let level = min(maxLease, max(short, 2 * used(now)))
        let leased = leased(now)
        guard level > 0, leased < short || 2 * leased <= level else { return nil }
        return level > leased ? level - leased : nil
    }

    /// What was used lately; nothing if the last use is so long ago that the demand may have ended. Right after a use is
    /// the time to ask for more.
    private func used(_ now: MonotonicInstant) -> Int { now < usage.last + usage.span / 2 ? usage.recent(now) : 0 }

    /// True if somebody wanted more than there was, and not too long ago to want it still.
    private func isShort(_ now: MonotonicInstant) -> Bool {
        shortfall.most > 0 && now < shortfall.at + usage.span / 2
    }

    private mutating func noteShortfall(_ count: Int, _ now: MonotonicInstant) {
        shortfall = (max(count, isShort(now) ? shortfall.most : 0), count, now)
    }

    private func leased(_ now: MonotonicInstant) -> Int {
        lots.reduce(0) { $0 + ($1.expires > now ? $1.count : 0) }
    }

    private mutating func dropExpired(_ now: MonotonicInstant) { lots.removeAll { $0.expires <= now } }
}

/// How much was used in the span of time before now: the current span's count, and of the last one the part that is
/// still within reach.
private struct RecentUsage: Sendable {
    var span: Duration
    private(set) var last = MonotonicInstant.zero
    private var start = MonotonicInstant.zero
    private var current = 0
    private var before = 0

    init(span: Duration) { self.span = span }

    mutating func add(_ count: Int, now: MonotonicInstant) {
        if now >= start + span {
            before = now >= start + span * 2 ? 0 : current
            current = 0
            start = now
        }
        current += count
        last = now
    }

    func recent(_ now: MonotonicInstant) -> Int {
        let age = (now - start) / span
        if age >= 2 { return 0 }
        if age >= 1 { return Int((Double(current) * (2 - age)).rounded(.up)) }
        return current + Int((Double(before) * (1 - age)).rounded(.down))
    }
}
