public import SpillwayCore
import Synchronization

/// Says how fast something may go on. Asking is async, since a limiter may share its rate with other nodes.
public protocol RateLimiter: Sendable {
    /// Waits until so many may go on; in the order of the calls.
    ///
    /// - Throws: `CancellationError`; nothing was taken then.
    func acquire(_ count: Int) async throws

    /// Takes so many if they may go on now.
    func tryAcquire(_ count: Int) -> Bool
}

/// A token bucket of this process.
public final class LocalRateLimiter: RateLimiter {
    private let bucket: Mutex<TokenBucket>
    private let timeSource: any TimeSource

    /// Makes a limiter that begins with a full burst.
    ///
    /// - Parameters:
    ///   - rate: records a second, above zero.
    ///   - burst: records at once, at least 1.
    public init(rate: Double, burst: Int, timeSource: any TimeSource = SystemTimeSource()) {
        self.timeSource = timeSource
        bucket = Mutex(TokenBucket(rate: rate, burst: burst, now: timeSource.now()))
    }

    /// Waits until so many may go on; more than the burst wait for as long as their number takes.
    public func acquire(_ count: Int = 1) async throws {
        try Task.checkCancellation()
        let now = timeSource.now()
        let delay = bucket.withLock { $0.reserve(count, now: now) }
        guard delay > .zero else { return }
        do {
            try await timeSource.sleep(until: now + delay)
        } catch {
            bucket.withLock { $0.giveBack(count) }
            throw error
        }
    }

    /// Takes so many if they may go on now.
    public func tryAcquire(_ count: Int = 1) -> Bool {
        let now = timeSource.now()
        return bucket.withLock { $0.tryTake(count, now: now) }
    }

    /// Goes on with another rate and burst.
    public func change(rate: Double, burst: Int) {
        let now = timeSource.now()
        bucket.withLock { $0.change(rate: rate, burst: burst, now: now) }
    }
}
