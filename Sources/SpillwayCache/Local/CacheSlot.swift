/// Where a slot stands.
@usableFromInline
enum SlotKind: Int, Sendable {
    /// In the small queue: new, seen once so far.
    case small = 0
    /// In the main queue: came back.
    case main = 1
    /// Holds only the version that an invalidation or an eviction left behind.
    case tombstone = 2
}

/// One entry of a shard. Slots live in one array and name each other by index, so that an access moves no object and
/// counts no reference.
@usableFromInline
struct CacheSlot<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// `nil` while the slot is free.
    @usableFromInline var key: Key?
    /// `nil` in a placeholder and in a tombstone.
    @usableFromInline var value: Value?
    @usableFromInline var version: CacheVersion
    @usableFromInline var hash: UInt64
    /// When a value is served no more, in nanoseconds of the time source.
    @usableFromInline var expires: UInt64
    /// Until when the version must outlive the value, since an invalidation asked for it.
    @usableFromInline var fencedUntil: UInt64
    @usableFromInline var bytes: Int
    /// Towards the queue's head (newer), or the next free slot; -1 at the end.
    @usableFromInline var newer: Int32
    /// Towards the queue's tail (older); -1 at the end.
    @usableFromInline var older: Int32
    @usableFromInline var kind: SlotKind
    /// Hits since it was queued, at most 3.
    @usableFromInline var frequency: UInt8

    @inlinable
    init(key: Key, value: Value?, version: CacheVersion, hash: UInt64, bytes: Int, expires: UInt64, kind: SlotKind) {
        self.key = key
        self.value = value
        self.version = version
        self.hash = hash
        self.bytes = bytes
        self.expires = expires
        self.kind = kind
        fencedUntil = 0
        newer = -1
        older = -1
        frequency = 0
    }
}

/// A first-in-first-out queue of slots.
@usableFromInline
struct SlotQueue: Sendable {
    @usableFromInline var newest: Int32 = -1
    @usableFromInline var oldest: Int32 = -1
    @usableFromInline var bytes = 0
    @usableFromInline var count = 0

    @inlinable
    init() {}
}
