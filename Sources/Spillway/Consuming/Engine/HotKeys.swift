import SpillwayCore

/// Which keys are hot: a key becomes so at one share of the window and stops being so at a lower one.
struct HotKeys: Sendable {
    struct Key: Sendable, Equatable {
        var epoch: UInt64
        /// The key's first bytes, for people.
        var name: [UInt8]
        var since: MonotonicInstant
    }

    private(set) var policy: HotKeyPolicy
    private(set) var keys: [UInt64: Key] = [:]
    private var sketch: HeavyHitters
    static let nameBytes = 128

    init(_ policy: HotKeyPolicy) {
        self.policy = policy
        sketch = HeavyHitters(window: policy.window)
    }

    /// Goes on under another policy; a window of another length begins anew.
    mutating func change(_ policy: HotKeyPolicy) {
        if policy.window != self.policy.window { sketch = HeavyHitters(window: policy.window) }
        self.policy = policy
    }

    /// The share of the window that a key has.
    func share(of hash: UInt64) -> Double { sketch.share(of: hash) }

    /// A record passes.
    ///
    /// - Returns: true if what is hot has changed.
    mutating func observe(
        _ hash: UInt64, epoch: UInt64, key: @autoclosure () -> ArraySlice<UInt8>, now: MonotonicInstant
    ) -> Bool {
        guard sketch.observe(hash) else { return false }
        var hasChanged = false
        if sketch.slide(now: now) { hasChanged = cool() }
        guard keys[hash] == nil, sketch.total >= policy.minRecords, sketch.share(of: hash) >= policy.share else {
            return hasChanged
        }
        keys[hash] = Key(epoch: epoch, name: Array(key().prefix(Self.nameBytes)), since: now)
        return true
    }

    /// When keys may cool down by time alone; `nil` if none is hot.
    var nextSlide: MonotonicInstant? { keys.isEmpty ? nil : sketch.nextSlide }

    /// Lets time pass without records.
    mutating func tick(now: MonotonicInstant) -> Bool { sketch.slide(now: now) && cool() }

    /// Forgets the keys of an assignment.
    mutating func drop(epoch: UInt64) -> Bool {
        let count = keys.count
        keys = keys.filter { $0.value.epoch != epoch }
        return keys.count != count
    }

    private mutating func cool() -> Bool {
        let count = keys.count
        keys = keys.filter { sketch.share(of: $0.key) >= policy.coolShare }
        return keys.count != count
    }
}
