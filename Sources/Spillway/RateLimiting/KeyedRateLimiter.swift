public import SpillwayCore
import Synchronization

/// A token bucket for each key, such as votes per user, in bounded memory.
///
/// Only keys that took something lately have a bucket. When all buckets are in use, a full one makes room, which
/// changes nothing for its key; if a look at sixteen finds none that is full, the fullest of them does, and its key
/// begins anew with a full burst.
public final class KeyedRateLimiter<Key: Hashable & Sendable>: Sendable {
    private struct Slot {
        var key: Key
        var bucket: TokenBucket
    }

    private struct State {
        var slots: [Slot] = []
        var slotOfKey: [Key: Int] = [:]
        var hand = 0
    }

    private let rate: Double
    private let burst: Int
    private let maxKeys: Int
    private let timeSource: any TimeSource
    private let state = Mutex(State())

    /// Makes a limiter.
    ///
    /// - Parameters:
    ///   - rate: records a second for each key, above zero.
    ///   - burst: records at once for each key, at least 1.
    ///   - maxKeys: how many buckets are kept, at least 1; default 100,000.
    public init(rate: Double, burst: Int, maxKeys: Int = 100_000, timeSource: any TimeSource = SystemTimeSource()) {
        precondition(rate > 0 && burst >= 1 && maxKeys >= 1, "a limiter needs a rate, a burst and room for a key")
        self.rate = rate
        self.burst = burst
        self.maxKeys = maxKeys
        self.timeSource = timeSource
    }

    /// Takes so many for the key if they may go on now.
    ///
    /// - Returns: `nil` if they may; else how long to wait before asking again (for more than the burst: as if for the
    ///   burst).
    public func limit(_ key: Key, count: Int = 1) -> Duration? {
        let now = timeSource.now()
        return state.withLock { state in
            let index = index(of: key, in: &state, now: now)
            if state.slots[index].bucket.tryTake(count, now: now) { return nil }
            let bucket = state.slots[index].bucket
            return bucket.delay(until: min(count, burst), now: now) ?? .zero
        }
    }

    /// Takes so many for the key if they may go on now.
    public func tryAcquire(_ key: Key, count: Int = 1) -> Bool { limit(key, count: count) == nil }

    /// How many keys have a bucket.
    public var keyCount: Int { state.withLock { $0.slots.count } }

    private func index(of key: Key, in state: inout State, now: MonotonicInstant) -> Int {
        if let index = state.slotOfKey[key] { return index }
        let slot = Slot(key: key, bucket: TokenBucket(rate: rate, burst: burst, now: now))
        if state.slots.count < maxKeys {
            state.slots.append(slot)
            state.slotOfKey[key] = state.slots.count - 1
            return state.slots.count - 1
        }
        let victim = victim(in: &state, now: now)
        state.slotOfKey[state.slots[victim].key] = nil
        state.slots[victim] = slot
        state.slotOfKey[key] = victim
        return victim
    }

    private func victim(in state: inout State, now: MonotonicInstant) -> Int {
        var best = state.hand
        var most = -Double.infinity
        for _ in 0..<min(16, state.slots.count) {
            let available = state.slots[state.hand].bucket.available(now)
            if available > most {
                most = available
                best = state.hand
            }
            state.hand = (state.hand + 1) % state.slots.count
            if available >= Double(burst) { break }
        }
        return best
    }
}
