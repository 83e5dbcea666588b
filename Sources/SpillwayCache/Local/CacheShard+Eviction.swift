/// The limits of one shard, worked out once.
@usableFromInline
struct ShardLimits: Sendable {
    @usableFromInline var bytes: Int
    /// All times in nanoseconds.
    @usableFromInline var timeToLive: UInt64
    @usableFromInline var absentTimeToLive: UInt64
    @usableFromInline var tombstoneLifetime: UInt64
    /// The part of a time to live that chance may take off, in 1/65536.
    @usableFromInline var jitter: UInt64

    @usableFromInline
    init(bytes: Int, timeToLive: UInt64, absentTimeToLive: UInt64, tombstoneLifetime: UInt64, jitter: UInt64) {
        self.bytes = bytes
        self.timeToLive = timeToLive
        self.absentTimeToLive = absentTimeToLive
        self.tombstoneLifetime = tombstoneLifetime
        self.jitter = jitter
    }
}

extension CacheShard {
    // MARK: Entries

    @inlinable
    mutating func insert(
        _ key: Key, _ hash: UInt64, _ value: Value?, _ version: CacheVersion, bytes: Int, now: UInt64
    ) {
        let kind: SlotKind = ghosts.remove(hash, length: ghostLength) ? .main : .small
        let slot = allocate(
            CacheSlot(
                key: key, value: value, version: version, hash: hash, bytes: bytes, expires: expiry(value, now: now),
                kind: kind))
        push(slot, kind)
    }

    /// Puts a newer value into a slot; a tombstone becomes an entry again, and stays fenced.
    @inlinable
    mutating func replace(_ slot: Int, _ value: Value?, _ version: CacheVersion, bytes: Int, now: UInt64) {
        slots[slot].value = value
        slots[slot].version = version
        slots[slot].expires = expiry(value, now: now)
        if slots[slot].kind == .tombstone {
            unlink(slot)
            slots[slot].bytes = bytes
            push(slot, .small)
        } else {
            queues[slots[slot].kind.rawValue].bytes &+= bytes &- slots[slot].bytes
            slots[slot].bytes = bytes
        }
    }

    /// Leaves only a version behind.
    @inlinable
    mutating func entomb(_ slot: Int, _ version: CacheVersion, until: UInt64) {
        unlink(slot)
        slots[slot].value = nil
        slots[slot].version = version
        slots[slot].bytes = Self.overhead
        slots[slot].fencedUntil = until
        slots[slot].frequency = 0
        push(slot, .tombstone)
    }

    @inlinable
    mutating func expiry(_ value: Value?, now: UInt64) -> UInt64 {
        let life = value == nil ? limit.absentTimeToLive : limit.timeToLive
        // splitmix64: the shard's own, so that a test's seed decides.
        random &+= 0x9e37_79b9_7f4a_7c15
        var mixed = random
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        let share = ((mixed >> 48) &* limit.jitter) >> 16
        return now &+ life &- UInt64((life.multipliedFullWidth(by: share)).high << 48)
            &- ((life.multipliedFullWidth(by: share)).low >> 16)
    }

    // MARK: Room

    /// How long the ghost queue is: as many as there are entries, which is what the main queue would hold when it has its
    /// share.
    @inlinable var ghostLength: Int { queues[SlotKind.small.rawValue].count &+ queues[SlotKind.main.rawValue].count }

    @inlinable
    mutating func makeRoom(now: UInt64) {
        // Versions without values get an eighth, so that a storm of invalidations can't push the values out.
        while queues[SlotKind.tombstone.rawValue].bytes > limit.bytes / 8 { forgetOldestTombstone(now: now) }
        while bytes > limit.bytes {
            let small = queues[SlotKind.small.rawValue]
            if small.bytes > limit.bytes / 10 || queues[SlotKind.main.rawValue].count == 0 {
                guard small.oldest >= 0 else { return }
                evictSmall(Int(small.oldest), now: now)
            } else {
                evictMain(Int(queues[SlotKind.main.rawValue].oldest), now: now)
            }
        }
    }

    @inlinable
    mutating func evictSmall(_ slot: Int, now: UInt64) {
        if slots[slot].frequency > 1 {
            unlink(slot)
            slots[slot].frequency = 0
            push(slot, .main)
        } else {
            ghosts.insert(slots[slot].hash)
            evict(slot, now: now)
        }
    }

    @inlinable
    mutating func evictMain(_ slot: Int, now: UInt64) {
        if slots[slot].frequency > 0 && slots[slot].expires > now {
            unlink(slot)
            slots[slot].frequency &-= 1
            push(slot, .main)
        } else {
            evict(slot, now: now)
        }
    }

    @inlinable
    mutating func evict(_ slot: Int, now: UInt64) {
        statistics.evictions &+= 1
        drop(slot, now: now)
        while queues[SlotKind.tombstone.rawValue].bytes > limit.bytes / 8 { forgetOldestTombstone(now: now) }
    }

    /// Drops a value, but not its version while an invalidation still needs it.
    @inlinable
    mutating func drop(_ slot: Int, now: UInt64) {
        if slots[slot].fencedUntil > now {
            entomb(slot, slots[slot].version, until: slots[slot].fencedUntil)
        } else {
            free(slot)
        }
    }

    // MARK: Tombstones

    @inlinable
    mutating func forgetTombstones(now: UInt64, atMost: Int) {
        for _ in 0..<min(atMost, queues[SlotKind.tombstone.rawValue].count) {
            let oldest = Int(queues[SlotKind.tombstone.rawValue].oldest)
            guard slots[oldest].fencedUntil <= now else { return }
            free(oldest)
        }
    }

    /// Takes away a tombstone whose time may not be up: then the shard as a whole refuses what it would have refused.
    @inlinable
    mutating func forgetOldestTombstone(now: UInt64) {
        let oldest = Int(queues[SlotKind.tombstone.rawValue].oldest)
        if slots[oldest].fencedUntil > now {
            if floorUntil <= now { floor = .absent }
            floor = max(floor, slots[oldest].version)
            floorUntil = max(floorUntil, slots[oldest].fencedUntil)
        }
        free(oldest)
    }

    // MARK: Slots and links

    @inlinable
    mutating func allocate(_ slot: CacheSlot<Key, Value>) -> Int {
        let number: Int
        if freeSlot >= 0 {
            number = Int(freeSlot)
            freeSlot = slots[number].newer
            slots[number] = slot
        } else {
            number = slots.count
            slots.append(slot)
        }
        if index.insert(slot.hash, slot: number) { ghosts = GhostRing(capacity: index.cells.count) }
        return number
    }

    /// Gives the slot back. With it goes the key's version, so a lease given before must not bring an older one.
    @inlinable
    mutating func free(_ slot: Int) {
        fence.revoke(slots[slot].hash)
        unlink(slot)
        index.remove(slots[slot].hash, slot: slot)
        slots[slot].key = nil
        slots[slot].value = nil
        slots[slot].newer = freeSlot
        freeSlot = Int32(truncatingIfNeeded: slot)
    }

    @inlinable
    mutating func push(_ slot: Int, _ kind: SlotKind) {
        let queue = kind.rawValue
        slots[slot].kind = kind
        slots[slot].newer = -1
        slots[slot].older = queues[queue].newest
        if queues[queue].newest >= 0 {
            slots[Int(queues[queue].newest)].newer = Int32(truncatingIfNeeded: slot)
        } else {
            queues[queue].oldest = Int32(truncatingIfNeeded: slot)
        }
        queues[queue].newest = Int32(truncatingIfNeeded: slot)
        queues[queue].bytes &+= slots[slot].bytes
        queues[queue].count &+= 1
    }

    @inlinable
    mutating func unlink(_ slot: Int) {
        let queue = slots[slot].kind.rawValue
        let newer = slots[slot].newer
        let older = slots[slot].older
        if newer >= 0 { slots[Int(newer)].older = older } else { queues[queue].newest = older }
        if older >= 0 { slots[Int(older)].newer = newer } else { queues[queue].oldest = newer }
        queues[queue].bytes &-= slots[slot].bytes
        queues[queue].count &-= 1
    }
}
