/// One shard of a `LocalCache`: its entries, what was evicted lately, and what changed. All of it is owned by one lock.
///
/// Eviction is S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction", SOSP 2023): a
/// new key enters a small queue of a tenth of the bytes; if it was hit twice by the time it reaches the end it moves to the main
/// queue, else it is evicted and remembered as a ghost; a key that comes back as a ghost enters the main queue at once, where
/// a hit buys it another round. A scan passes through the small queue and leaves the rest alone.
@usableFromInline
struct CacheShard<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// What each entry costs beside the key's and the value's own memory: the slot, two index cells and a ghost.
    @inlinable static var overhead: Int { MemoryLayout<CacheSlot<Key, Value>>.stride + 24 }

    /// What an entry of a cost takes; more than there is for one that can't be counted.
    @inlinable
    static func bytes(_ cost: Int) -> Int {
        let (sum, overflow) = cost.addingReportingOverflow(overhead)
        return overflow ? .max : sum
    }

    @usableFromInline let limit: ShardLimits
    @usableFromInline var slots = ContiguousArray<CacheSlot<Key, Value>>()
    @usableFromInline var freeSlot: Int32 = -1
    @usableFromInline var index = SlotIndex()
    @usableFromInline var queues: InlineArray<3, SlotQueue> = .init(repeating: SlotQueue())
    @usableFromInline var ghosts = GhostRing(capacity: 64)
    @usableFromInline var fence = ChangeFence()
    @usableFromInline var flights: [Key: LoadFlight<Value>] = [:]
    @usableFromInline var statistics = CacheStatistics()
    /// Versions below it are refused for every key while it lasts: tombstones that had to go before their time.
    @usableFromInline var floor = CacheVersion.absent
    @usableFromInline var floorUntil: UInt64 = 0
    @usableFromInline var random: UInt64

    @usableFromInline
    init(limit: ShardLimits, seed: UInt64) {
        self.limit = limit
        random = seed
        // Memory that is not touched costs nothing, and an array that never grows never copies.
        slots.reserveCapacity(limit.bytes / Self.overhead + 1)
    }

    @inlinable var bytes: Int { queues[0].bytes &+ queues[1].bytes &+ queues[2].bytes }

    @inlinable
    func find(_ key: Key, _ hash: UInt64) -> Int {
        index.find(hash) { slots[$0].hash == hash && slots[$0].key == key }
    }

    /// The slot that may be served, or -1.
    @inlinable
    mutating func hit(_ key: Key, _ hash: UInt64, now: UInt64) -> Int {
        let slot = find(key, hash)
        guard slot >= 0, slots[slot].kind != .tombstone, slots[slot].expires > now else {
            // Its version binds no more, nor do the leases that were given while it did.
            if slot >= 0 && !holds(slot, now: now) { free(slot) }
            statistics.misses &+= 1
            return -1
        }
        if slots[slot].frequency < 3 { slots[slot].frequency &+= 1 }
        statistics.hits &+= 1
        return slot
    }

    @inlinable
    mutating func lookup(_ key: Key, _ hash: UInt64, now: UInt64) -> CacheLookup<Key, Value> {
        let slot = hit(key, hash, now: now)
        if slot >= 0 { return .hit(slots[slot].value, slots[slot].version) }
        return .miss(CacheLease(key: key, hash: hash, sequence: fence.sequence))
    }

    /// The same without counting it as a use.
    @inlinable
    func peek(_ key: Key, _ hash: UInt64, now: UInt64) -> CacheLookup<Key, Value> {
        let slot = find(key, hash)
        if slot >= 0 && slots[slot].kind != .tombstone && slots[slot].expires > now {
            return .hit(slots[slot].value, slots[slot].version)
        }
        return .miss(CacheLease(key: key, hash: hash, sequence: fence.sequence))
    }

    // MARK: Changes

    @inlinable
    mutating func fill(
        _ lease: CacheLease<Key>, _ value: Value?, _ version: CacheVersion, cost: Int, now: UInt64
    ) -> CacheFillOutcome {
        let outcome = tryFill(lease, value, version, cost: cost, now: now)
        statistics.count(outcome)
        return outcome
    }

    @inlinable
    mutating func tryFill(
        _ lease: CacheLease<Key>, _ value: Value?, _ version: CacheVersion, cost: Int, now: UInt64
    ) -> CacheFillOutcome {
        guard fence.isValid(hash: lease.hash, since: lease.sequence) else { return .revoked }
        if now < floorUntil && version < floor { return .older }
        let bytes = Self.bytes(cost)
        guard bytes <= limit.bytes / 2 else { return .tooLarge }
        let slot = find(lease.key, lease.hash)
        if slot >= 0 {
            if version < slots[slot].version { return .older }
            if value == nil && slots[slot].value != nil && version == slots[slot].version { return .placeholder }
            replace(slot, value, version, bytes: bytes, now: now)
        } else {
            insert(lease.key, lease.hash, value, version, bytes: bytes, now: now)
        }
        makeRoom(now: now)
        return .accepted
    }

    /// Whether the slot's version still binds: that of an expired value does for a tombstone's lifetime.
    @inlinable
    func holds(_ slot: Int, now: UInt64) -> Bool {
        now < slots[slot].fencedUntil
            || slots[slot].kind != .tombstone && now < slots[slot].expires &+ limit.tombstoneLifetime
    }

    @inlinable
    mutating func update(
        _ key: Key, _ hash: UInt64, _ value: Value?, _ version: CacheVersion, cost: Int, now: UInt64
    ) {
        fence.revoke(hash)
        if !flights.isEmpty { flights[key] = nil }
        let slot = find(key, hash)
        guard slot >= 0, version > slots[slot].version else { return }
        let bytes = Self.bytes(cost)
        if slots[slot].kind == .tombstone {
            slots[slot].version = version
        } else if bytes > limit.bytes / 2 {
            entomb(slot, version, until: now &+ limit.tombstoneLifetime)
        } else {
            replace(slot, value, version, bytes: bytes, now: now)
            statistics.updates &+= 1
            makeRoom(now: now)
        }
    }

    @inlinable
    mutating func invalidate(_ key: Key, _ hash: UInt64, _ version: CacheVersion, now: UInt64) {
        fence.revoke(hash)
        if !flights.isEmpty { flights[key] = nil }
        let until = now &+ limit.tombstoneLifetime
        let slot = find(key, hash)
        if slot >= 0 {
            // What is there already includes the change: a feed that repeats itself drops nothing.
            if version != .absent && slots[slot].kind != .tombstone && slots[slot].version >= version {
                slots[slot].fencedUntil = until
                return
            }
            entomb(slot, max(version, slots[slot].version), until: until)
        } else if version != .absent {
            let new = allocate(
                CacheSlot(
                    key: key, value: nil, version: version, hash: hash, bytes: Self.overhead, expires: 0,
                    kind: .tombstone))
            slots[new].fencedUntil = until
            push(new, .tombstone)
        }
        forgetTombstones(now: now, atMost: 2)
        makeRoom(now: now)
    }

    @inlinable
    mutating func removeAll(now: UInt64) {
        fence.revokeAll()
        flights.removeAll()
        for kind in [SlotKind.small, .main] {
            while queues[kind.rawValue].oldest >= 0 { drop(Int(queues[kind.rawValue].oldest), now: now) }
        }
        ghosts = GhostRing(capacity: ghosts.cells.count)
        forgetTombstones(now: now, atMost: .max)
        makeRoom(now: now)
    }
}

extension CacheShard {
    /// The counts so far with what is held now.
    @usableFromInline
    func snapshot() -> CacheStatistics {
        var snapshot = statistics
        snapshot.entries = queues[SlotKind.small.rawValue].count + queues[SlotKind.main.rawValue].count
        snapshot.tombstones = queues[SlotKind.tombstone.rawValue].count
        snapshot.bytes = bytes
        return snapshot
    }
}
